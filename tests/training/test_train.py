import io
import json
import re
import shutil
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

from tests.conftest import REPOSITORY
from tests.training.conftest import DATA_FOLDER, train_quietly
from training import train as training_loop
from training.config import override
from training.data import load_pictures, scale_pixels
from training.data.batches import epoch_batches
from training.dcgan.gan import DCGAN
from training.errors import RunError
from training.report.report import read_object, read_publications
from training.run.best import read_best
from training.run.checkpoints import Checkpoints
from training.run.claim import claim_run
from training.run.folder import Run


def go_on(configuration, folder, output=None, *, terminal=False):
    console = Console(file=output or io.StringIO(), width=200, force_terminal=terminal)
    return train_quietly(override(configuration, ["evaluation_epochs=0"]), folder, console=console)


def first_batch():
    pictures = load_pictures("fashion-mnist", DATA_FOLDER)
    return scale_pixels(pictures.images[:60]), tf.constant(pictures.labels[:60])


def restored_weights(folder):
    run = Run(folder)
    configuration: Any = run.read_configuration()
    gan = DCGAN(configuration, "float32")
    assert Checkpoints(run.checkpoints_folder, gan, configuration.checkpoints_kept).restore()
    return [*gan.generator.get_weights(), *gan.discriminator.get_weights()]


def assert_same_curve(run, other):
    for row, expected in zip(run.read_stats(), other.read_stats(), strict=True):
        assert (row.epoch, row.step, row.images) == (expected.epoch, expected.step, expected.images)
        assert row.generator_loss == pytest.approx(expected.generator_loss, rel=1e-4)
        assert row.discriminator_loss == pytest.approx(expected.discriminator_loss, rel=1e-4)


def test_one_step_on_real_pictures_changes_both_networks_and_loses_finitely(small_configuration):
    gan = DCGAN(small_configuration, "float32")
    before_g, before_d = gan.generator.get_weights(), gan.discriminator.get_weights()
    losses = gan.train_step(*first_batch()).numpy()
    assert losses.shape == (2,)
    assert np.isfinite(losses).all()
    assert 0.3 < losses[0] < 1.5
    assert 0.5 < losses[1] < 3.0
    for network, before in ((gan.generator, before_g), (gan.discriminator, before_d)):
        changed = [not np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)]
        assert all(changed)
    assert int(gan.step) == 1


def test_a_run_folder_describes_itself(trained_run, small_configuration):
    run = Run(trained_run.folder)
    assert run.read_configuration() == small_configuration
    stats = run.read_stats()
    assert [(row.epoch, row.step, row.images) for row in stats] == [(1, 10, 600), (2, 20, 600)]
    assert all(row.images_per_s > 0 and row.seconds > 0 for row in stats)
    assert sorted(path.name for path in run.sample_paths()) == ["epoch-0001.png", "epoch-0002.png"]
    with Image.open(run.sample_path(2)) as grid:
        assert grid.size == (234, 234)
        assert np.ptp(np.asarray(grid)) > 50
    animation: Any
    with Image.open(run.animation_path) as animation:
        assert animation.n_frames == 2
    assert "After epoch 2" in run.report_path.read_text()
    assert run.curves_path.exists()
    assert len(list(run.events_folder.iterdir())) == 1
    assert {"tensorflow", "processor"} <= json.loads(run.environment_path.read_text()).keys()


def test_without_a_terminal_each_epoch_is_one_line(trained_run):
    *lines, last = trained_run.output.splitlines()
    assert len(lines) == 2
    assert last.startswith("The pictures were measured ")
    assert lines[1].startswith("epoch 2/2 ")
    for words in ("images/s", "generator loss", "discriminator loss"):
        assert words in lines[1]


@pytest.mark.timeout(900)
def test_an_interrupted_run_saves_and_goes_on_as_if_unbroken(
    trained_run, small_configuration, tmp_path, monkeypatch
):
    def interrupted_batches(*arguments, **options):
        for index, batch in enumerate(epoch_batches(*arguments, **options)):
            if index == 3:
                signal.raise_signal(signal.SIGINT)
            yield batch

    folder, output = tmp_path / "run", io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(training_loop, "epoch_batches", interrupted_batches)
        outcome = go_on(small_configuration, folder, output)
    assert (outcome.interrupted, outcome.step, outcome.epochs) == (True, 4, 0)
    assert "Stopped after batch 4; saved" in output.getvalue()
    assert Run(folder).unfinished_path.exists()

    outcome = go_on(small_configuration, folder, output)
    assert (outcome.interrupted, outcome.step, outcome.epochs) == (False, 20, 2)
    assert "Going on after epoch 0, batch 4." in output.getvalue()
    assert not Run(folder).unfinished_path.exists()
    for resumed, unbroken in zip(restored_weights(folder), restored_weights(trained_run.folder), strict=True):
        np.testing.assert_allclose(resumed, unbroken, rtol=1e-4, atol=1e-5)
    assert_same_curve(Run(folder), Run(trained_run.folder))
    # That one was measured and this one was not: measuring changes nothing of the training.
    measured, unmeasured = (Run(each).read_stats()[1].figures for each in (trained_run.folder, folder))
    assert measured
    assert unmeasured == {}
    assert read_best(Run(folder)) is None


@pytest.mark.timeout(900)
def test_a_run_killed_in_the_middle_of_an_epoch_goes_on_to_the_curve_and_weights_of_an_unbroken_one(
    trained_run, small_configuration, tmp_path
):
    run = Run(tmp_path / "run")
    killed = subprocess.run(
        [sys.executable, "-m", "tests.training.killed_run", str(run.folder), "14"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [row.step for row in run.read_stats()] == [10]
    # What a checkpoint that was being written when the machine died leaves.
    (run.checkpoints_folder / "ckpt-20.data-00000-of-00001").write_bytes(b"half")
    (run.checkpoints_folder / "ckpt-20.index").write_bytes(b"half")

    output = io.StringIO()
    assert go_on(small_configuration, run.folder, output).step == 20
    assert "Going on after epoch 1, batch 10." in output.getvalue()
    for resumed, unbroken in zip(
        restored_weights(run.folder), restored_weights(trained_run.folder), strict=True
    ):
        np.testing.assert_allclose(resumed, unbroken, rtol=1e-4, atol=1e-5)
    assert_same_curve(run, Run(trained_run.folder))


def test_a_finished_run_goes_on_only_to_more_epochs(trained_run, small_configuration, tmp_path):
    folder = shutil.copytree(trained_run.folder, tmp_path / "run")
    assert go_on(small_configuration, folder).step == 20
    output = io.StringIO()
    assert go_on(override(small_configuration, ["epochs=3"]), folder, output, terminal=True).step == 30
    stats = Run(folder).read_stats()
    assert [row.epoch for row in stats] == [1, 2, 3]
    last_bar = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue()).strip().splitlines()[-1]
    for words in ("epoch 3/3", "30/30", "images/s", f"G {stats[2].generator_loss:.3f}", "0:00:00"):
        assert words in last_bar


def test_two_trainings_in_one_folder_are_refused_and_the_folder_is_free_afterwards(tmp_path):
    run = Run(tmp_path)
    hold = f"""if True:
        from pathlib import Path
        from training.run.claim import claim_run
        from training.run.folder import Run
        with claim_run(Run(Path({str(tmp_path)!r}))):
            print("held", flush=True)
            input()
    """
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="Another process is training"), claim_run(run):
            pass
        holder.kill()
    with claim_run(run):
        pass


def test_a_run_that_another_process_trains_keeps_its_configuration(
    trained_run, small_configuration, tmp_path
):
    run = Run(shutil.copytree(trained_run.folder, tmp_path / "run"))
    before = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    longer = override(small_configuration, ["epochs=3"])
    with claim_run(run), pytest.raises(RunError, match="Another process is training"):
        go_on(longer, run.folder)
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_folder_refuses_another_configuration(trained_run, small_configuration):
    with pytest.raises(RunError, match=r"config\.json holds another configuration"):
        go_on(override(small_configuration, ["batch_size=50"]), trained_run.folder)


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(RunError, match=r"not a run folder: it has no config\.json"):
        Run(tmp_path).read_configuration()


def test_a_line_of_figures_that_a_crash_cut_off_is_left_out(trained_run, tmp_path):
    run = Run(tmp_path)
    text = Run(trained_run.folder).stats_path.read_text()
    run.stats_path.write_text(text + text[:20])
    assert len(run.read_stats()) == 2


@pytest.mark.parametrize("content", [b"garbage\n", b'{"epoch": 1}\n', bytes(20) + b"\n", b"\xff\n"])
def test_damaged_figures_and_pictures_are_named(tmp_path, content):
    run = Run(tmp_path)
    for path in (run.stats_path, run.pictures_path, run.unfinished_path):
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"stats\.jsonl is damaged: a line of it holds no figures"):
        run.read_stats()
    with pytest.raises(RunError, match=r"pictures\.json is missing or damaged"):
        run.read_shape()
    assert run.read_unfinished(3).step == 3


@pytest.mark.parametrize("content", [b"garbage\n", b"\xff\n"])
def test_any_damaged_file_of_a_run_is_named(tmp_path, content):
    run = Run(tmp_path)
    readers = (
        (run.best_path, lambda: read_best(run)),
        (run.publications_path, lambda: read_publications(run)),
        (run.environment_path, lambda: read_object(run.environment_path)),
    )
    for path, read in readers:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with pytest.raises(RunError, match=f"{path.name} is damaged"):
            read()

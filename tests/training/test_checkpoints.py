from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training.dcgan.gan import DCGAN
from training.errors import NotFiniteError, RunError
from training.run.checkpoints import Checkpoints


@pytest.fixture(scope="module")
def built(small_configuration):
    return DCGAN(small_configuration, "float32")


@pytest.fixture
def gan(built):
    """One before its first step; whoever changes more of it than that builds his own."""
    built.step.assign(0)
    return built


def test_checkpoints_are_bounded_in_number(tmp_path, gan):
    checkpoints = Checkpoints(tmp_path, gan, kept=2)
    assert not checkpoints.restore()
    for step in (1, 2, 3):
        gan.step.assign(step)
        checkpoints.save(step)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    assert checkpoints.restore(step=2)
    assert int(gan.step) == 2
    with pytest.raises(RunError, match=r"no checkpoint of batch 1.*There are: 2, 3\."):
        checkpoints.restore(step=1)


def test_a_damaged_checkpoint_is_named(tmp_path, gan):
    path = Checkpoints(tmp_path, gan, kept=2).save(5)
    (tmp_path / "ckpt-5.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(RunError, match=r"ckpt-5 cannot be restored"):
        Checkpoints(tmp_path, gan, kept=2).restore()
    assert path.endswith("ckpt-5")


def test_weights_that_are_no_numbers_are_not_saved_over_good_ones(small_configuration, tmp_path):
    gan = DCGAN(small_configuration, "float32")
    checkpoints = Checkpoints(tmp_path, gan, kept=1)
    checkpoints.save(1)
    gan.discriminator.trainable_variables[0].assign_add(gan.discriminator.trainable_variables[0] * np.nan)
    with pytest.raises(NotFiniteError, match=r"Weights of the discriminator .* batch 2\."):
        checkpoints.save(2)
    assert checkpoints.newest.endswith("ckpt-1")


@pytest.mark.parametrize(
    "name", ["lr[0.1]", "a*b?", "with space\nand line", "~", "café", "{x,y}\\", "s3:/bucket", "n" * 200]
)
def test_a_run_goes_on_whatever_its_folder_is_called(tmp_path, gan, name):
    folder = tmp_path / name / "checkpoints"
    for step in (1, 2, 3):
        gan.step.assign(step)
        Checkpoints(folder, gan, kept=2).save(step)
    gan.step.assign(0)
    assert Checkpoints(folder, gan, kept=2).restore()
    assert int(gan.step) == 3
    assert sorted(path.name for path in folder.glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]


def test_the_name_of_a_run_folder_is_no_pattern_for_those_beside_it(tmp_path, gan):
    Checkpoints(tmp_path / "lr0", gan, kept=1).save(1)
    for step in (1, 2):
        Checkpoints(tmp_path / "lr[01]", gan, kept=1).save(step)
    assert Checkpoints(tmp_path / "lr0", gan, kept=1).restore(step=1)


def test_a_relative_folder_or_a_link_goes_on_and_a_run_may_move(tmp_path, gan, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    Checkpoints(Path("link"), gan, kept=1).save(7)
    (tmp_path / "real").rename("moved")
    assert Checkpoints(Path("moved/"), gan, kept=1).steps == [7]
    assert Checkpoints(Path("moved"), gan, kept=1).restore()


def test_checkpoints_of_tensorflows_own_manager_are_gone_on_from(tmp_path, gan):
    gan.step.assign(20)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(gan=gan), str(tmp_path), max_to_keep=2)
    manager.save(10)
    manager.save(20)
    gan.step.assign(0)
    checkpoints = Checkpoints(tmp_path, gan, kept=2)
    assert checkpoints.restore()
    assert (int(gan.step), checkpoints.steps) == (20, [10, 20])
    checkpoints.save(30)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-30")
    assert Checkpoints(tmp_path, gan, kept=2).steps == [20, 30]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "ckpt-2.index").unlink(), r"ckpt-2\.index is missing"),
        (lambda folder: (folder / "checkpoint").write_bytes(b"\0\xff"), "checkpoint is damaged"),
        (lambda folder: (folder / "checkpoint").write_bytes(b""), "checkpoint is damaged"),
        (lambda folder: [path.unlink() for path in folder.glob("*[tx]")], "are missing"),
        (lambda folder: [path.unlink() for path in folder.glob("*.index")], r"ckpt-2\.index is missing"),
        (lambda folder: (folder / "ckpt-2.data-00000-of-00001").unlink(), "cannot be restored"),
    ],
)
def test_a_run_whose_checkpoints_cannot_be_read_never_starts_anew(tmp_path, gan, damage, words):
    for step in (1, 2):
        Checkpoints(tmp_path, gan, kept=2).save(step)
    damage(tmp_path)
    with pytest.raises(RunError, match=words):
        Checkpoints(tmp_path, gan, kept=2).restore()


def test_without_the_record_the_newest_state_serves(tmp_path, gan):
    for step in (9, 10):
        gan.step.assign(step)
        Checkpoints(tmp_path, gan, kept=2).save(step)
    (tmp_path / "checkpoint").unlink()
    gan.step.assign(0)
    assert Checkpoints(tmp_path, gan, kept=2).restore()
    assert int(gan.step) == 10

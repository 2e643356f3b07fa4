"""What breaks a run from outside: each says what happened and leaves the last good checkpoint."""

import resource
from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow as tf

from tests.idx_files import write_idx
from tests.training.conftest import DATA_FOLDER, train_quietly
from training import train as training_loop
from training.config import override
from training.data import load_pictures
from training.data.batches import epoch_batches
from training.dcgan.gan import DCGAN
from training.errors import DataError, DivergenceError, NotFiniteError, RunError
from training.presets import find_preset
from training.run.faults import first_sentence
from training.run.folder import Run
from training.run.meter import CHECKED_STEPS, Compilation, LossMeter
from training.run.stats import EpochPart


@pytest.fixture(scope="module")
def few_pictures(tmp_path_factory):
    """A folder of ten real pictures."""
    folder = tmp_path_factory.mktemp("few")
    pictures = load_pictures("fashion-mnist", DATA_FOLDER)
    write_idx(folder / "train-images-idx3-ubyte", pictures.images[:10, ..., 0])
    write_idx(folder / "train-labels-idx1-ubyte", pictures.labels[:10].astype(np.uint8))
    return folder


@pytest.fixture
def configuration():
    return override(
        find_preset("dcgan").defaults,
        ["batch_size=5", "epochs=1", "precision=float32", "evaluation_epochs=0"],
    )


def train_on(few_pictures, configuration, folder):
    return train_quietly(configuration, folder, data_folder=few_pictures)


@contextmanager
def largest_file(size: int):
    """The disk takes no file beyond `size` bytes: writes fail in the middle, as on a full one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_good_checkpoint_and_the_run_goes_on_with_more_room(
    few_pictures, configuration, tmp_path
):
    run, longer = Run(tmp_path / "run"), override(configuration, ["epochs=2"])
    train_on(few_pictures, configuration, run.folder)
    files = sorted(path.name for path in run.checkpoints_folder.iterdir())
    with largest_file(2**20), pytest.raises(RunError) as failure:
        train_on(few_pictures, longer, run.folder)
    for words in ("checkpoint after batch 4 cannot be written", "File too large", "ckpt-2; with more room"):
        assert words in str(failure.value)
    assert sorted(path.name for path in run.checkpoints_folder.iterdir()) == files

    assert train_on(few_pictures, longer, run.folder).step == 4
    assert [(row.epoch, row.step) for row in run.read_stats()] == [(1, 2), (2, 4)]


def test_a_disk_too_full_for_the_configuration_is_named_too(few_pictures, configuration, tmp_path):
    with largest_file(100), pytest.raises(RunError, match=r"config\.json cannot be written: File too"):
        train_on(few_pictures, configuration, tmp_path / "run")


def test_a_batch_that_cannot_be_read_is_named_with_its_reason(
    few_pictures, configuration, tmp_path, monkeypatch
):
    def broken_batches(*arguments, **options):
        def read(images, classes):
            if classes[0] >= 0 and options["seed"] == 1:
                raise OSError(5, "Input/output error", "photographs/cat.png")
            return images

        def decode(images, classes):
            return tf.numpy_function(read, [images, classes], tf.float32), classes

        decode = tf.autograph.experimental.do_not_convert(decode)
        return epoch_batches(*arguments, **options).map(decode)

    monkeypatch.setattr(training_loop, "epoch_batches", broken_batches)
    with pytest.raises(DataError) as failure:
        train_on(few_pictures, override(configuration, ["epochs=2"]), tmp_path / "run")
    for words in ("Batch 3 of the data 'fashion-mnist'", "photographs/cat.png", "ckpt-2."):
        assert words in str(failure.value)
    assert "node" not in str(failure.value)


def test_an_error_of_tensorflow_is_told_without_its_nodes():
    error = tf.errors.UnknownError(None, None, "{{function_node x}} DataError: Hat 3 is cut off.\nTraceback")
    assert first_sentence(error) == "Hat 3 is cut off."
    assert first_sentence(ValueError()) == "ValueError"


def add_many(meter, steps):
    for _ in range(steps):
        meter.add(tf.constant([np.nan, np.nan]), 10)


def test_a_loss_that_is_no_number_is_seen_within_the_epoch_and_its_batch_named():
    meter = LossMeter(EpochPart(step=1000), Compilation())
    for _ in range(40):
        meter.add(tf.constant([0.5, 1.0]), 10)
    meter.add(tf.constant([0.5, np.inf]), 10)
    with pytest.raises(NotFiniteError, match=r"at batch 1041 \(generator 0\.5, discriminator inf\)"):
        add_many(meter, CHECKED_STEPS)


def test_a_divergence_says_where_it_went_back_to_and_what_to_try(
    few_pictures, configuration, tmp_path, monkeypatch
):
    class Diverging(DCGAN):
        def train_step(self, images, classes):
            losses = super().train_step(images, classes)
            return losses * np.nan if int(self.step) > 2 else losses

    monkeypatch.setattr(
        training_loop, "build_gan", lambda configuration, policy, *_: Diverging(configuration, policy)
    )
    with pytest.raises(DivergenceError) as failure:
        train_on(few_pictures, override(configuration, ["epochs=2"]), tmp_path / "run")
    for words in ("no numbers any more at batch 3", "ckpt-2.", "--set learning_rate=5e-05"):
        assert words in str(failure.value)

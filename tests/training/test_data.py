import shutil

import numpy as np
import pytest

from tests.idx_files import write_idx
from tests.training.conftest import DATA_FOLDER
from training.data import Pictures, epoch_batches, load_pictures
from training.errors import DataError
from training.shape import FASHION_MNIST_SHAPE, PictureShape

CLASSES = FASHION_MNIST_SHAPE.class_names


@pytest.fixture
def copied_folder(tmp_path):
    return shutil.copytree(DATA_FOLDER, tmp_path / "copy")


@pytest.mark.parametrize(("split", "count"), [("train", 600), ("test", 100)])
def test_the_small_set_is_balanced_and_labelled(split, count):
    pictures = load_pictures("fashion-mnist", DATA_FOLDER, split)
    assert pictures.images.shape == (count, 28, 28, 1)
    assert pictures.shape == FASHION_MNIST_SHAPE
    assert np.bincount(pictures.labels).tolist() == [count // 10] * 10


def test_trousers_have_two_legs_and_so_the_labels_fit_the_images():
    pictures = load_pictures("fashion-mnist", DATA_FOLDER)
    gap = pictures.images[:, 20:27, 13:15, 0].mean(axis=(1, 2))
    trousers = pictures.labels == CLASSES.index("trouser")
    dresses = pictures.labels == CLASSES.index("dress")
    assert gap[trousers].mean() < 0.5 * gap[dresses].mean()


def test_a_missing_file_says_which_package_or_folder(copied_folder):
    (copied_folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError) as refusal:
        load_pictures("fashion-mnist", copied_folder)
    for words in ("train-labels-idx1-ubyte", "apt-get install dataset-fashion-mnist", "--data-folder"):
        assert words in str(refusal.value)


def test_labels_of_another_set_are_refused(copied_folder):
    shutil.copy(copied_folder / "t10k-labels-idx1-ubyte.gz", copied_folder / "train-labels-idx1-ubyte.gz")
    with pytest.raises(DataError, match="600 train images but 100 labels"):
        load_pictures("fashion-mnist", copied_folder)


def test_images_of_another_size_are_refused(copied_folder):
    write_idx(copied_folder / "train-images-idx3-ubyte.gz", np.zeros((600, 32, 30), np.uint8))
    with pytest.raises(DataError, match="30x32 pixels; expected 28x28"):
        load_pictures("fashion-mnist", copied_folder)


def ten_pictures():
    levels = np.arange(10, dtype=np.uint8)
    return Pictures(
        (levels * 25).reshape(10, 1, 1, 1), levels, PictureShape(size=8, channels=1, class_names=CLASSES)
    )


def test_an_epoch_shows_every_image_once_in_minus_one_to_one_with_its_label():
    batches = list(epoch_batches(ten_pictures(), batch_size=4, buffer_size=10, seed=1).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    seen = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen.ravel(), (labels.astype(float) * 25 - 127.5) / 127.5, rtol=1e-6)
    np.testing.assert_allclose(np.sort(seen, axis=None), (np.arange(10) * 25 - 127.5) / 127.5, rtol=1e-6)


def test_an_epoch_goes_on_in_the_order_it_began_in():
    def order(seed, first_batch=0):
        batches = epoch_batches(ten_pictures(), 3, 10, seed, first_batch)
        return np.concatenate([labels for _, labels in batches.as_numpy_iterator()]).tolist()

    assert order(seed=1, first_batch=2) == order(seed=1)[6:]
    assert order(seed=1) != order(seed=2)

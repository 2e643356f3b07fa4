"""Training data: which sets there are, where their files lie, and the batches made of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import DataError
from training.idx import find_idx, read_idx
from training.shape import FASHION_MNIST_SHAPE, PictureShape

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True, slots=True)
class Pictures:
    """A labelled set: images uint8 (n, size, size, channels) in 0 to 255, labels uint8 (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    shape: PictureShape


def load_pictures(data: str, data_folder: Path | None, split: str = "train") -> Pictures:
    """Load the set called `data`, its `train` or `test` split; raise DataError where it is not whole."""
    if data != "fashion-mnist":
        raise DataError(f"There is no data set '{data}'. There is: fashion-mnist.")
    return load_fashion_mnist(data_folder or FASHION_MNIST_FOLDER, split)


def load_fashion_mnist(folder: Path, split: str) -> Pictures:
    """Load Fashion-MNIST (Xiao et al., arXiv:1708.07747) from its IDX files, gzipped or not."""
    prefix = {"train": "train", "test": "t10k"}[split]
    images = read_idx(require_idx(folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(require_idx(folder, f"{prefix}-labels-idx1-ubyte"), dimensions=1)
    if images.shape[1:] != (28, 28):
        height, width = images.shape[1:]
        raise DataError(f"The images in {folder} are {width}x{height} pixels; expected 28x28.")
    if len(images) == 0:
        raise DataError(f"{folder} holds no {split} images.")
    if len(images) != len(labels):
        raise DataError(f"{folder} holds {len(images)} {split} images but {len(labels)} labels.")
    if labels.max() >= len(FASHION_MNIST_SHAPE.class_names):
        raise DataError(f"{folder} holds the {split} label {labels.max()}; labels go from 0 to 9.")
    return Pictures(images[..., np.newaxis], labels, FASHION_MNIST_SHAPE)


def require_idx(folder: Path, name: str) -> Path:
    """Return the IDX file `name` in `folder`; raise DataError that says what to install or fill."""
    path = find_idx(folder, name)
    if path is None:
        raise DataError(
            f"{folder / name}.gz is missing. Install Debian's package with "
            "'apt-get install dataset-fashion-mnist', or put the four Fashion-MNIST files "
            "(*-ubyte or *-ubyte.gz) into a folder and name it with --data-folder or GANYMEDE_DATA."
        )
    return path


def epoch_batches(
    pictures: Pictures, batch_size: int, buffer_size: int, seed: int, first_batch: int = 0
) -> tf.data.Dataset:
    """Return one epoch from batch `first_batch` on, shuffled by `seed`.

    A batch is images float32 (n, size, size, channels) in [-1, 1] and labels uint8 (n,). The order
    depends on the seed alone, so that an interrupted epoch goes on where it stopped.
    """
    dataset = tf.data.Dataset.from_tensor_slices((pictures.images, pictures.labels))
    dataset = dataset.shuffle(min(buffer_size, len(pictures.images)), seed=seed)
    dataset = dataset.batch(batch_size).skip(first_batch)
    dataset = dataset.map(lambda images, labels: (scale_pixels(images), labels), num_parallel_calls=1)
    return dataset.prefetch(2)


def scale_pixels(images: tf.Tensor) -> tf.Tensor:
    """Scale uint8 pixels in 0 to 255 to float32 in [-1, 1], as the DCGAN tutorial does."""
    return (tf.cast(images, tf.float32) - 127.5) / 127.5

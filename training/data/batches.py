"""The batches of an epoch, read from wherever the pictures lie."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from training.data.pictures import Pictures

PREFETCHED = 2
HELD_BYTES = 2**31
"""So many of pixels, uint8, are held in memory: 170,000 pictures of 64x64 in colour."""


def epoch_batches(
    pictures: Pictures, batch_size: int, buffer_size: int, seed: int, first_batch: int = 0
) -> tf.data.Dataset:
    """Return one epoch from batch `first_batch` on, shuffled by `seed`.

    A batch is images float32 (n, height, width, channels) in [-1, 1] and labels (n,). The order depends on
    the seed alone, so that an interrupted epoch goes on where it stopped. Numbers are shuffled, not
    pictures, and a batch's pictures are read when its turn comes: memory does not grow with the set.
    """

    def read(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return pictures.images[rows], pictures.labels[rows]

    def load(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = tf.numpy_function(
            read, [rows], (pictures.images.dtype, pictures.labels.dtype), stateful=False
        )
        images = tf.ensure_shape(images, (None, *pictures.images.shape[1:]))
        return scale_pixels(images), tf.ensure_shape(labels, (None,))

    count = len(pictures.images)
    dataset = tf.data.Dataset.range(count).shuffle(min(buffer_size, count), seed=seed)
    dataset = dataset.batch(batch_size).skip(first_batch)
    dataset = dataset.map(load, num_parallel_calls=1).prefetch(PREFETCHED)
    device = find_device()
    return (
        dataset
        if device is None
        else dataset.apply(tf.data.experimental.prefetch_to_device(device, PREFETCHED))
    )


def find_device() -> str | None:
    """Return the one GPU that batches are copied to while it works on others; None for none, or several."""
    gpus = tf.config.list_logical_devices("GPU")
    return gpus[0].name if len(gpus) == 1 else None


def hold_small(pictures: Pictures) -> Pictures:
    """Return a small set with its pictures in memory, so that a GPU waits for no disk; others as they are."""
    if not tf.config.list_physical_devices("GPU") or pictures.images.nbytes > HELD_BYTES:
        return pictures
    return replace(pictures, images=np.array(pictures.images))


def scale_pixels(images: tf.Tensor) -> tf.Tensor:
    """Scale uint8 pixels in 0 to 255 to float32 in [-1, 1], as the DCGAN tutorial does.

    Of four channels the colours are multiplied by the last, alpha: what nobody sees has one colour.
    """
    levels = tf.cast(images, tf.float32)
    if images.shape[-1] == 4:
        alpha = levels[..., 3:]
        levels = tf.concat([levels[..., :3] * (alpha / 255.0), alpha], -1)
    return (levels - 127.5) / 127.5

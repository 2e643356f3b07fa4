"""One step of an enlarger's training: pairs, and drawings that are to stay what they are."""

import keras
import tensorflow as tf

from training.data import scale_pixels
from training.enlarger.network import build_enlarger
from training.enlarger.settings import EnlargerSettings
from training.shape import PictureShape


class Learner(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """An enlarger in training; `step` counts the batches that it has learnt from."""

    def __init__(self, settings: EnlargerSettings, small: PictureShape, channels: int, policy: str) -> None:
        """Build the enlarger with weights drawn from the seed, and its optimizer, Adam (arXiv:1412.6980)."""
        super().__init__()
        self.settings = settings
        self.enlarger = build_enlarger(settings, small, channels, policy)
        rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build(self.enlarger.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def learn(self, small: tf.Tensor, large: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """Learn from levels `small` float32 (n, h, w, c), which are of `large` uint8 (n, 2h, 2w, C).

        `drawn` float32 (m, h, w, c) are levels of drawings, which nobody has large. Returns float32 (2,): the
        mean difference of pixels in [-1, 1], and that of the drawings made small again.
        """
        wanted, count = scale_pixels(large), tf.shape(small)[0]
        with tf.GradientTape() as tape:
            images = self.enlarger(tf.concat([small, drawn], 0), training=True)
            apart = compare_pixels(images[:count], wanted)
            again = average(lay_on_white(images[count:], drawn.shape[-1]))
            kept = tf.math.divide_no_nan(
                tf.reduce_sum(tf.abs(again - scale_pixels(drawn))), tf.cast(tf.size(drawn), tf.float32)
            )
            loss = apart + self.settings.edges_weight * compare_edges(images[:count], wanted) + kept
        weights = self.enlarger.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.step.assign_add(1)
        return tf.stack([apart, kept])


def compare_pixels(images: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Return the mean difference float32 () of images (n, h, w, c)."""
    return tf.reduce_mean(tf.abs(images - wanted))


def compare_edges(images: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Return the mean difference float32 () of what neighbours in images (n, h, w, c) differ by."""
    apart = images - wanted
    down, across = apart[:, 1:] - apart[:, :-1], apart[:, :, 1:] - apart[:, :, :-1]
    return tf.reduce_mean(tf.abs(down)) + tf.reduce_mean(tf.abs(across))


def lay_on_white(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Return drawn images (n, h, w, C) in [-1, 1] with `channels`: without alpha they lie on white."""
    if images.shape[-1] == channels:
        return images
    return images[..., :3] + 1.0 - images[..., 3:]


def average(images: tf.Tensor) -> tf.Tensor:
    """Return the mean of every two by two pixels of images (n, 2h, 2w, c): (n, h, w, c)."""
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")

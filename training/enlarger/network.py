"""The enlarger: residual blocks at the small size, sub-pixels, and two convolutions at the large one.

As in "Enhanced deep residual networks for single image super-resolution" (Lim et al., arXiv:1707.02921):
nothing is normalised, and each block starts as the identity.
"""

import keras
import tensorflow as tf
from keras import layers

from training.enlarger.settings import EnlargerSettings
from training.networks.depth_to_space import DepthToSpace, EqualNeighbours
from training.networks.few_channels import give_images
from training.shape import PictureShape

SLOPE = 0.25
MIDDLE_LEVEL = 128.0
"""Levels 0 to 255 become numbers from -1 to almost 1, by powers of two."""


@keras.saving.register_keras_serializable("ganymede")
class TakeLevels(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Levels as small numbers; of four channels the colours are multiplied by the last, alpha."""

    def call(self, levels: tf.Tensor) -> tf.Tensor:
        """Turn float32 (n, h, w, c) in 0 to 255 into float32 (n, h, w, c) in [-1, 1)."""
        if levels.shape[-1] == 4:
            alpha = levels[..., 3:]
            levels = tf.concat([levels[..., :3] * (alpha / 255.0), alpha], -1)
        return (levels - MIDDLE_LEVEL) / MIDDLE_LEVEL


def build_enlarger(
    settings: EnlargerSettings, small: PictureShape, channels: int, policy: str
) -> keras.Model:
    """Build the network from levels float32 (n, h, w, c) in 0 to 255 to images twice as high and wide.

    The images are float32 (n, 2h, 2w, channels) in [-1, 1]; of four channels the last is alpha, by which the
    colours are multiplied. Weights are drawn from the seed. The comments are for 32x32.
    """
    seed, width = settings.seed * 1000, settings.channels
    fine = max(8, width * 3 // 4 // 8 * 8)

    def draw_next() -> int:
        nonlocal seed
        seed += 1
        return seed

    def convolve(features: keras.KerasTensor, filters: int, initializer: object) -> keras.KerasTensor:
        same = {"padding": "same", "kernel_initializer": initializer, "dtype": policy}
        return layers.Conv2D(filters, 3, **same)(features)

    def bend(features: keras.KerasTensor) -> keras.KerasTensor:
        return layers.LeakyReLU(SLOPE, dtype=policy)(features)

    levels = keras.Input((small.height, small.width, small.channels), name="levels")
    taken = TakeLevels(dtype="float32")(levels)
    features = convolve(taken, width, keras.initializers.HeNormal(draw_next()))  # (n, 32, 32, 32)
    for _ in range(settings.blocks):
        changed = convolve(bend(features), width, keras.initializers.HeNormal(draw_next()))
        features = layers.Add(dtype=policy)([features, convolve(bend(changed), width, "zeros")])
    features = convolve(bend(features), 4 * fine, EqualNeighbours(draw_next()))
    features = bend(DepthToSpace(dtype=policy)(features))  # (n, 64, 64, 24)
    features = bend(convolve(features, fine, keras.initializers.HeNormal(draw_next())))
    images = give_images(features, channels, draw_next())  # (n, 64, 64, 4)
    return keras.Model(levels, images, name="enlarger")

"""Channels to pixels: the layer, its initial kernels, and the steps that a served graph does fastest."""

import keras
import tensorflow as tf


def enlarge_by_rows(features: tf.Tensor) -> tf.Tensor:
    """Turn (n, h, w, 4c) into (n, 2h, 2w, c), as `tf.nn.depth_to_space` does (arXiv:1609.05158).

    ONNX Runtime has an operator for the whole, which moves single numbers; here it moves rows of channels.
    """
    _, height, width, channels = features.shape
    pairs = tf.reshape(features, (-1, height, width, 2, channels // 2))
    rows = tf.transpose(pairs, (0, 1, 3, 2, 4))  # (n, h, 2, w, 2c)
    return tf.reshape(rows, (-1, 2 * height, 2 * width, channels // 4))


@keras.saving.register_keras_serializable("ganymede")
class DepthToSpace(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Twice the height and width from a quarter of the channels: Shi et al., arXiv:1609.05158."""

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # Keras's signature
        """Turn (n, h, w, 4c) into (n, 2h, 2w, c)."""
        return tf.nn.depth_to_space(features, 2) if training else enlarge_by_rows(features)


@keras.saving.register_keras_serializable("ganymede")
class EqualNeighbours(keras.initializers.Initializer):  # type: ignore[misc]  # Keras ships no types
    """Kernels whose four sub-pixels start equal, so that no checkerboard is there to be unlearnt.

    ICNR: Aitken et al., arXiv:1707.02937.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        """Draw a kernel (3, 3, c, 4k) by He's rule (arXiv:1502.01852) for k channels, four times over."""
        drawn = keras.initializers.HeNormal(self.seed)((*shape[:-1], shape[-1] // 4), dtype)
        return tf.concat([drawn] * 4, axis=-1)

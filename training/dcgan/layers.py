"""The tutorial's layers, computed faster: the same weights and the same results but for rounding.

A 5x5 kernel that moves by two is a 3x3 kernel over blocks of two by two (Shi et al., arXiv:1609.05158): a
sixth tap, of zeros, goes before the five, and then each of a block's two phases has three. For inference,
and so in an exported graph, the generator's are plain convolutions, which ONNX Runtime computes faster
than transposed ones.
"""

import keras
import tensorflow as tf

from training.networks.depth_to_space import enlarge_by_rows
from training.networks.spectral import correlate

LARGEST_MAP = 8
SMALLEST_CHANNELS = 64


class TransposedConvolution(keras.layers.Conv2DTranspose):  # type: ignore[misc]  # Keras ships no types
    """A transposed convolution of odd size and stride 1: a convolution with the kernel turned round."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # Keras's signature
        """Turn (n, s, s, c) into (n, s, s, k)."""
        kernel = tf.transpose(tf.convert_to_tensor(self.kernel)[::-1, ::-1], (0, 1, 3, 2))
        return convolve(inputs, kernel) if training else convolve_plainly(inputs, kernel)


class EnlargingConvolution(keras.layers.Conv2DTranspose):  # type: ignore[misc]  # as above
    """A 5x5 transposed convolution of stride 2: a 3x3 convolution to four times the channels."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # as above
        """Turn (n, s, s, c) into (n, 2s, 2s, k)."""
        filters, channels = self.kernel.shape[2:]
        phases = split_phases(self.kernel)[::-1, ::-1]  # (3, 3, 2, 2, k, c)
        kernel = tf.reshape(tf.transpose(phases, (0, 1, 5, 2, 3, 4)), (3, 3, channels, 4 * filters))
        if training:
            return self.activation(tf.nn.depth_to_space(convolve(inputs, kernel), 2))
        return self.activation(enlarge_by_rows(convolve_plainly(inputs, kernel)))


class ShrinkingConvolution(keras.layers.Conv2D):  # type: ignore[misc]  # as above
    """A 5x5 convolution of stride 2: a 3x3 convolution over four times the channels."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # as above
        """Turn (n, 2s, 2s, c) into (n, s, s, k)."""
        if not training:
            return super().call(inputs)
        channels, filters = self.kernel.shape[2:]
        kernel = tf.reshape(split_phases(self.kernel), (3, 3, 4 * channels, filters))
        features = convolve(tf.nn.space_to_depth(inputs, 2), kernel)
        return tf.nn.bias_add(features, tf.cast(self.bias, features.dtype))


def split_phases(kernel: keras.Variable) -> tf.Tensor:
    """Turn a kernel (5, 5, a, b) that moves by two into float32 (3, 3, 2, 2, a, b) over blocks."""
    padded = tf.pad(tf.convert_to_tensor(kernel), [[1, 0], [1, 0], [0, 0], [0, 0]])
    return tf.transpose(tf.reshape(padded, (3, 2, 3, 2, *kernel.shape[2:])), (0, 2, 1, 3, 4, 5))


def convolve(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Convolve (n, s, s, c) with (t, t, c, k); by the spectrum where maps are small and channels many."""
    if features.shape[1] <= LARGEST_MAP and min(kernel.shape[2:]) >= SMALLEST_CHANNELS:
        return correlate(features, tf.cast(kernel, tf.float32))
    return convolve_plainly(features, kernel)


def convolve_plainly(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Convolve (n, s, s, c) with (t, t, c, k) by the definition."""
    return tf.nn.conv2d(features, tf.cast(kernel, features.dtype), 1, "SAME")


class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # as above
    """Batch normalisation in one kernel; over the batches of all replicas when there are several."""

    def __init__(self, **options: object) -> None:
        super().__init__(synchronized=True, **options)

    def call(self, inputs: tf.Tensor, training: bool = False, mask: tf.Tensor | None = None) -> tf.Tensor:  # noqa: FBT001, FBT002  # as above
        """Normalise (n, f) or (n, h, w, c) over all axes but the last."""
        if not training or tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return super().call(inputs, training=training, mask=mask)
        features = inputs if inputs.shape.rank == 4 else inputs[:, None, None, :]
        normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=features,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(features) // features.shape[-1], tf.float32)
        biased = variance * (count - 1) / count  # as Keras keeps it
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, biased)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return tf.reshape(normal, tf.shape(inputs))

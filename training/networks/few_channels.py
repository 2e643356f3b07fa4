"""A convolution into few channels, written so that a served graph computes no empty ones."""

import keras
import tensorflow as tf

BLOCK = 16
"""Channels that an engine computes at once."""


@keras.saving.register_keras_serializable("ganymede")
class FewChannels(keras.layers.Conv2D):  # type: ignore[misc]  # Keras ships no types
    """A convolution into one channel, or three, with stride 1 and zeros around the picture.

    Engines compute channels by the eight or sixteen, wanted or not. So for inference each tap of the kernel
    becomes a channel of a 1x1 convolution, is moved to its place, and all are summed. Channels that are
    empty fill up the last sixteen.
    """

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # Keras's signature
        """Turn features (n, h, w, c) into (n, h, w, filters)."""
        if training:
            return super().call(features)
        height, width, channels, filters = self.kernel.shape
        taps = height * width
        empty = -taps * filters % BLOCK
        kernel = tf.reshape(tf.transpose(self.kernel, (2, 0, 1, 3)), (1, 1, channels, taps * filters))
        kernel = tf.pad(kernel, ((0, 0), (0, 0), (0, 0), (0, empty)))
        maps = tf.nn.conv2d(features, kernel, 1, "SAME")  # (n, h, w, taps * filters + empty)
        moves = tf.repeat(tf.reshape(tf.eye(taps), (height, width, taps, 1)), filters, axis=2)
        moves = tf.pad(moves, ((0, 0), (0, 0), (0, empty), (0, 0)))
        moved = tf.nn.depthwise_conv2d(maps, moves, (1, 1, 1, 1), "SAME")
        if filters == 1:
            summed = tf.reduce_sum(moved, axis=-1, keepdims=True)  # (n, h, w, 1)
        else:
            sums = tf.pad(tf.tile(tf.eye(filters), (taps, 1)), ((0, empty), (0, 0)))
            sums = sums[None, None]  # (1, 1, taps * filters + empty, filters)
            summed = tf.nn.conv2d(moved, sums, 1, "SAME")
        return self.activation(summed + self.bias)


def give_images(features: keras.KerasTensor, channels: int, seed: int) -> keras.KerasTensor:
    """Lay a generator's last layer on features (n, h, w, c): images float32 (n, h, w, channels) in [-1, 1].

    It computes in float32 under any policy; `seed` draws its weights.
    """
    layer = FewChannels(
        channels,
        3,
        padding="same",
        activation="tanh",
        kernel_initializer=keras.initializers.GlorotNormal(seed),
        dtype="float32",
    )
    return layer(features)

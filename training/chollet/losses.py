"""The labels and the loss of Chollet's recipe: 1 says generated, 0 says real, as in the book."""

import keras
import tensorflow as tf

GENERATED, REAL = 1.0, 0.0


def noisy_labels(count: tf.Tensor, noise: float, seed: tf.Tensor) -> tf.Tensor:
    """Return labels float32 (2 count, 1) of a mixed batch, the generated first, from `seed` int (2,).

    To each is added up to `noise`, uniformly drawn: "an important trick", the book says.
    """
    labels = tf.concat([tf.fill((count, 1), GENERATED), tf.fill((count, 1), REAL)], 0)
    return labels + noise * tf.random.stateless_uniform(tf.shape(labels), seed)


def misleading_labels(count: tf.Tensor) -> tf.Tensor:
    """Return labels float32 (count, 1) that call generated pictures real."""
    return tf.fill((count, 1), REAL)


def crossentropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Return the mean binary cross-entropy of probabilities (n, 1): float32 (), nats."""
    return tf.reduce_mean(keras.losses.binary_crossentropy(labels, probabilities))

"""The losses of the TensorFlow DCGAN tutorial: Goodfellow et al., arXiv:1406.2661, non-saturating."""

import tensorflow as tf

LARGEST_EXPONENT = 40.0


def discriminator_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return how badly real (n, 1) and generated (m, 1) logits are told apart: float32 (), nats, >= 0."""
    real = tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(real_logits), real_logits)
    generated = tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros_like(generated_logits), generated_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(generated)


def generator_loss(generated_logits: tf.Tensor) -> tf.Tensor:
    """Return how rarely generated logits (n, 1) pass for real ones: float32 (), nats, >= 0."""
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(generated_logits), generated_logits)
    )


def generator_ratio(generated_logits: tf.Tensor) -> tf.Tensor:
    """Return what a generated picture's gradient in `discriminator_loss` is to be multiplied by: (n, 1).

    The generator's loss has the derivative -sigmoid(-logit) by a generated logit, the discriminator's
    sigmoid(logit): their ratio is -exp(-logit). A logit is of its own picture alone, for nothing in the
    discriminator looks at the batch, so the picture's gradient has the same ratio.
    """
    return -tf.exp(tf.minimum(-generated_logits, LARGEST_EXPONENT))

"""The losses of the preset `modern`: relativistic pairs, and penalties on the discriminator's gradients."""

from collections.abc import Callable

import tensorflow as tf

LARGEST_EXPONENT = 20.0


def pairing_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return softplus(generated - real), the mean over pairs, for logits (n, 1): float32 (), nats, >= 0.

    The discriminator's side of the relativistic pairing loss: Jolicoeur-Martineau, arXiv:1807.00734;
    Huang et al., "The GAN is dead; long live the GAN!", arXiv:2501.05441. A pair is of one class.
    """
    return tf.reduce_mean(tf.nn.softplus(generated_logits - real_logits))


def discriminator_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return how seldom the real picture of a pair is thought the more real one: float32 (), nats, >= 0."""
    return pairing_loss(real_logits, generated_logits)


def generator_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return how seldom the generated picture of a pair is: float32 (), nats, >= 0."""
    return pairing_loss(generated_logits, real_logits)


def generator_ratio(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """Return by what a generated picture's gradient in `discriminator_loss` is multiplied: float32 (n, 1).

    The generator minimises softplus(real - generated). Its derivative by the generated logit is
    -sigmoid(real - generated), the discriminator's is sigmoid(generated - real): their ratio is
    -exp(real - generated), so that one pass back through the discriminator serves both networks.
    """
    return -tf.exp(tf.minimum(real_logits - generated_logits, LARGEST_EXPONENT))


def gradient_penalty(judge: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """Return the squared norm of the logit's gradient at images (n, h, w, c): float32 (), the mean.

    R1 at real pictures, R2 at generated ones: Mescheder et al., arXiv:1801.04406. `judge` turns
    the images into logits (n, 1).
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = judge(images)
    gradient = tape.gradient(logits, images)  # of the sum: each picture has its own logit
    return tf.reduce_mean(tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32)), axis=(1, 2, 3)))


def classification_loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the mean cross-entropy of logits and labels, (n, classes) both: float32 (), nats."""
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))

"""R1 and R2 every few steps: Karras et al., arXiv:1912.04958, call it lazy."""

from collections.abc import Callable

import keras
import tensorflow as tf

from training.modern.losses import gradient_penalty
from training.networks.replicas import count_replicas


def add_penalty(
    gradients: list[tf.Tensor],
    discriminator: keras.Model,
    judge: Callable[[tf.Tensor], tf.Tensor],
    judged: tf.Tensor,
    weight: Callable[[], tf.Tensor],
    *,
    happens: tf.Tensor,
) -> list[tf.Tensor]:
    """Add the gradients of `weight` times the penalty to the discriminator's, if it `happens`.

    The penalty is of the pictures as it saw them, changed or not: `judged` (2n, h, w, c), real and generated.
    """

    def penalise() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            # The mean over both halves is half of R1 plus half of R2.
            squares = gradient_penalty(judge, tf.stop_gradient(judged))
            loss = weight() * squares / count_replicas()
        extra = tape.gradient(loss, discriminator.trainable_variables)
        return [
            # The last bias has no part in the gradient by the image.
            gradient if more is None else gradient + more
            for gradient, more in zip(gradients, extra, strict=True)
        ]

    return [*tf.cond(happens, penalise, lambda: gradients)]

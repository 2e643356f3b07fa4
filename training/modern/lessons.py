"""How a classifier learns beside the GAN: for some steps, at a rate that falls to zero, and then no more."""

from collections.abc import Callable

import keras
import tensorflow as tf

from training.networks.loss_scale import clear, unscale
from training.networks.replicas import count_replicas


def teach(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    compute_loss: Callable[[], tf.Tensor],
    step: tf.Tensor,
    *,
    steps: int,
    rate: float,
    scale: float = 1.0,
) -> None:
    """Let `network` descend its loss, float32 () of this replica's pictures, if `step` is before `steps`.

    It is called at every step all the same: an optimiser cannot stand in a branch on several devices. In
    float16 the loss is multiplied by `scale`, and a step whose gradients overflow is left out.
    """
    weights = network.trainable_variables

    def learn() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = compute_loss() / count_replicas()
            scaled = loss * scale
        gradients = [*tape.gradient(scaled, weights)]
        if scale == 1.0:
            return gradients
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        return clear(unscale(gradients, tf.constant(scale)), finite)

    def rest() -> list[tf.Tensor]:
        return [tf.zeros_like(weight) for weight in weights]

    left = 1.0 - tf.cast(step, tf.float32) / max(1, steps)
    optimizer.learning_rate.assign(rate * tf.maximum(left, 0.0))
    optimizer.apply(tf.cond(step < steps, learn, rest), weights)

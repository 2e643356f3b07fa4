"""The average of a generator's weights, which draws better pictures than the last: arXiv:1806.04498."""

import keras
import tensorflow as tf


def update_average(
    strategy: tf.distribute.Strategy, average: keras.Model, trained: keras.Model, decay: tf.Tensor
) -> None:
    """Move the average's weights towards the trained ones: `decay` of what was stays."""
    for mean, weight in zip(average.trainable_variables, trained.trainable_variables, strict=True):
        strategy.extended.update(
            mean.value,
            lambda mean, weight: mean.assign(mean + (1.0 - decay) * (weight - mean)),
            args=(weight.value,),
        )


def average_decay(step: tf.Tensor, largest: float, delay: float) -> tf.Tensor:
    """Return the decay after `step` batches, float32 (): smaller at first, so that the start is forgotten."""
    now = tf.cast(step, tf.float32)
    return tf.minimum(largest, (1.0 + now) / (delay + now))

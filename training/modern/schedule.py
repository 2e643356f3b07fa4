"""What changes along a run of the preset `modern`: both learning rates, and the weight of the penalty.

While the rates fall the networks settle. The discriminator then keeps more of its rate than the generator
(two time scales: Heusel et al., arXiv:1706.08500) and is held smoother: left alone it grows so sure of
itself that its gradients no longer help.
"""

import tensorflow as tf

from training.config import ModernConfiguration

SMALLEST_SHARE = 0.1
"""Of the rate, below which the penalty grows no more."""


def learning_rates(
    configuration: ModernConfiguration, step: tf.Tensor, total_steps: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the rates of generator and discriminator, float32 (), at the batch `step` of a run.

    Both rise over the first steps, hold, and fall: the discriminator's linearly, the generator's as the
    square of that.
    """
    rise = (tf.cast(step, tf.float32) + 1.0) / max(1, configuration.warm_up_steps)
    rate = configuration.learning_rate * tf.minimum(rise, 1.0)
    share = remaining_share(configuration, step, total_steps)
    return rate * (share**2 if configuration.settle else share), rate * share


def penalty_weight(
    configuration: ModernConfiguration, step: tf.Tensor, total_steps: int
) -> tf.Tensor | float:
    """Return gamma at the batch `step`, float32 () or a number: it grows as the generator's rate shrinks."""
    if not configuration.settle:
        return configuration.penalty
    share = remaining_share(configuration, step, total_steps)
    return configuration.penalty / tf.maximum(share, SMALLEST_SHARE) ** 2


def remaining_share(configuration: ModernConfiguration, step: tf.Tensor, total_steps: int) -> tf.Tensor:
    """Return how much of the rate the fall has left at the batch `step`: float32 (), in [0, 1]."""
    hold, left = configuration.hold, configuration.final_rate
    fall = left + (1.0 - left) * (1.0 - tf.cast(step, tf.float32) / total_steps) / (1.0 - hold)
    return tf.clip_by_value(fall, 0.0, 1.0)

"""What changes along a run of the preset `modern`: both learning rates, and the weight of the penalty.

The rates rise, hold and fall; then, for the last part of the run, the networks settle. They start again at
a fraction of the rate (Loshchilov and Hutter, arXiv:1608.03983), the discriminator three times as fast as
the generator (two time scales: Heusel et al., arXiv:1706.08500) and held smoother: at low rates it grows
so sure of itself that its gradients no longer help.
"""

import tensorflow as tf

from training.config import ModernConfiguration

SETTLING_RATE = 0.2
"""The generator's share of the learning rate while it settles; over the second half of that it falls."""
SETTLED_RATE = 0.1
"""What is left of that share at the end."""
SETTLING_PACE = 3.0
"""The discriminator's rate by the generator's, while they settle."""
SETTLING_PENALTY = 4.0
"""So many times as much the penalty weighs then."""


def learning_rates(
    configuration: ModernConfiguration, step: tf.Tensor, total_steps: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the rates of generator and discriminator, float32 (), at the batch `step` of a run."""
    first = first_settling_step(configuration, total_steps)
    now = tf.cast(step, tf.float32)
    rise = (now + 1.0) / max(1, configuration.warm_up_steps)
    hold, left = configuration.hold, configuration.final_rate
    fall = left + (1.0 - left) * (1.0 - now / first) / (1.0 - hold)
    share = tf.clip_by_value(tf.minimum(rise, fall), 0.0, 1.0)
    rest = tf.clip_by_value((total_steps - now) / max(1, total_steps - first), 0.0, 1.0)  # from 1 to 0
    settling = SETTLING_RATE * (SETTLED_RATE + (1.0 - SETTLED_RATE) * tf.minimum(2.0 * rest, 1.0))
    shares = tf.where(now < first, (share, share), (settling, SETTLING_PACE * settling))
    generator_rate, discriminator_rate = tf.unstack(configuration.learning_rate * shares)
    return generator_rate, discriminator_rate


def penalty_weight(configuration: ModernConfiguration, step: tf.Tensor, total_steps: int) -> tf.Tensor:
    """Return gamma at the batch `step` of a run: float32 ()."""
    settles = tf.cast(step, tf.float32) >= first_settling_step(configuration, total_steps)
    return configuration.penalty * tf.where(settles, SETTLING_PENALTY, 1.0)


def first_settling_step(configuration: ModernConfiguration, total_steps: int) -> int:
    """Return the batch from which on the networks settle; where they never do, the run's end."""
    return round((1.0 - configuration.settle) * total_steps)

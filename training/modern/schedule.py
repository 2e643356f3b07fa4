"""What changes along a run of the preset `modern`: the learning rates, the penalty, what the observer does.

The rates rise (for some batches), hold and fall (for shares of the run); then, for the last part of the
run, the networks settle. They start again at a fraction of the rate (Loshchilov and Hutter,
arXiv:1608.03983), the discriminator three times as fast as the generator (two time scales: Heusel et al.,
arXiv:1706.08500) and held smoother: at low rates it grows so sure of itself that its gradients no longer
help. Then, too, the means of the classes are matched.
"""

from dataclasses import dataclass

import tensorflow as tf

from training.modern.configuration import ModernConfiguration

SETTLING_RATE = 0.2
"""The generator's share of the learning rate while it settles."""
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
    settling = (SETTLING_RATE, SETTLING_PACE * SETTLING_RATE)
    shares = tf.where(now < first, (share, share), settling)
    generator_rate, discriminator_rate = tf.unstack(float(configuration.learning_rate) * shares)
    return generator_rate, discriminator_rate


def penalty_weight(configuration: ModernConfiguration, step: tf.Tensor, total_steps: int) -> tf.Tensor:
    """Return gamma at the batch `step` of a run: float32 ()."""
    settles = tf.cast(step, tf.float32) >= first_settling_step(configuration, total_steps)
    return float(configuration.penalty) * tf.where(settles, SETTLING_PENALTY, 1.0)


def first_settling_step(configuration: ModernConfiguration, total_steps: int) -> int:
    """Return the batch from which on the networks settle; where they never do, the run's end."""
    return round((1.0 - configuration.settle) * total_steps)


@dataclass(frozen=True, slots=True)
class ObserverPlan:
    """What the observer of a run does at which batches."""

    learnt: int
    """Before this one it learns."""
    measured: int
    """From then on and before this one, for an epoch, it looks at every real picture."""
    matched: int
    """From this one on generated pictures are pulled to the means that it found."""


def plan_observer(configuration: ModernConfiguration, total_steps: int) -> ObserverPlan:
    """Return when the observer of a run does what: it learns, looks at one epoch, and has its say."""
    epoch = total_steps // configuration.epochs
    learnt = round(configuration.observer_share * configuration.epochs) * epoch
    measured = learnt + epoch
    return ObserverPlan(learnt, measured, max(measured, first_settling_step(configuration, total_steps)))

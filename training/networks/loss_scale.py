"""Loss scaling, for float16 alone: gradients too small for it are computed so many times as large.

Mixed precision by Micikevicius et al., arXiv:1710.03740: the loss is multiplied, its gradients are divided,
and where one is not finite the step is left out and the factor halved; after many that are it is doubled.
"""

from collections.abc import Sequence

import tensorflow as tf

from training.networks.replicas import replica_sum

FIRST_SCALE = 2.0**15
LARGEST_SCALE = 2.0**24
GROWTH_STEPS = 2000
LESSON_SCALE = 2.0**10
"""Of a classifier's loss, whose gradients are far from either end."""


class LossScale(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """The factor, float32 (), and for how many steps it was good; the same in all replicas."""

    def __init__(self) -> None:
        super().__init__()
        alike = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self.scale = tf.Variable(FIRST_SCALE, **alike)
        self.good_steps = tf.Variable(0, dtype=tf.int64, **alike)

    def check(self, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return whether all gradients of all replicas are finite, bool (), and choose the next factor."""
        broken = sum(tf.cast(~tf.reduce_all(tf.math.is_finite(one)), tf.float32) for one in gradients)
        finite = tf.equal(replica_sum(broken), 0.0)
        good = tf.where(finite, self.good_steps + 1, tf.constant(0, tf.int64))
        grows = good >= GROWTH_STEPS
        factor = tf.where(finite, tf.where(grows, 2.0, 1.0), 0.5)
        self.scale.assign(tf.clip_by_value(self.scale * factor, 1.0, LARGEST_SCALE))
        self.good_steps.assign(tf.where(grows, tf.constant(0, tf.int64), good))
        return finite


def unscale(gradients: Sequence[tf.Tensor], scale: tf.Tensor) -> list[tf.Tensor]:
    """Return gradients divided by the factor that the loss was multiplied with."""
    return [gradient / tf.cast(scale, gradient.dtype) for gradient in gradients]


def clear(gradients: Sequence[tf.Tensor], finite: tf.Tensor) -> list[tf.Tensor]:
    """Return the gradients, or zeros unless they are all finite."""
    return [tf.where(finite, gradient, tf.zeros_like(gradient)) for gradient in gradients]


def read_scale(loss_scale: LossScale | None) -> tf.Tensor | float:
    """Return what losses are multiplied with before they are differentiated: 1 without a scale."""
    return 1.0 if loss_scale is None else tf.convert_to_tensor(loss_scale.scale)


def finish_gradients(loss_scale: LossScale | None, *parts: list[tf.Tensor]) -> list[list[tf.Tensor]]:
    """Return the gradients of the losses themselves, or zeros where one of them overflows."""
    if loss_scale is None:
        return list(parts)
    together = unscale([gradient for part in parts for gradient in part], read_scale(loss_scale))
    together = clear(together, loss_scale.check(together))
    ends = [sum(map(len, parts[: index + 1])) for index in range(len(parts))]
    return [together[end - len(part) : end] for part, end in zip(parts, ends, strict=True)]

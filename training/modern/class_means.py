"""What an observer sees on average in each class, and the pull of generated pictures towards that.

Feature matching (Salimans et al., arXiv:1606.03498), class by class and over many batches: a discriminator
judges single pictures, and hardly notices that a class has too many of one kind. Its mean tells.
"""

import tensorflow as tf

from training.modern.observer import Observer
from training.modern.schedule import ObserverPlan
from training.networks.replicas import count_replicas, replica_sum

DECAY = 0.995
"""Of what is known of a class's generated pictures, with each batch that has some."""
SMALLEST_VARIANCE = 1e-6

Sums = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class ClassMeans(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """Means (classes, k) of real features and of their squares, and the generated means' offset from them."""

    def __init__(self, observer: Observer, classes: int, plan: ObserverPlan) -> None:
        super().__init__()
        self.observer = observer
        self.plan = plan
        self.count = build_statistic(classes, 1)
        self.mean = build_statistic(classes, observer.features)
        self.square = build_statistic(classes, observer.features)
        self.offset = build_statistic(classes, observer.features)

    def match(
        self,
        images: tf.Tensor,
        generated: tf.Tensor,
        labels: tf.Tensor,
        *,
        together: tf.Tensor,
        step: tf.Tensor,
    ) -> tf.Tensor:
        """Learn, measure or pull, whatever it is time for at `step`, and return the pull, or zeros.

        Images and generated ones are (n, h, w, c), both of labels (n, classes); all replicas `together` have
        so many.
        """
        plan = self.plan
        self.observer.learn(images, labels, together, step, steps=plan.learnt)
        # Who still learns will see otherwise: a run that was made longer is measured again.
        self.count.assign(tf.where(step < plan.learnt, tf.zeros_like(self.count), self.count))
        self.measure(images, labels, happens=(step >= plan.learnt) & (step < plan.measured))
        return self.pull(generated, labels, happens=step >= plan.matched)

    def measure(self, images: tf.Tensor, labels: tf.Tensor, *, happens: tf.Tensor) -> None:
        """Take real images (n, h, w, c) of labels (n, classes) into the means, if it `happens`."""

        def sum_up() -> Sums:
            features = self.observer.see(images)  # (n, k)
            return sum_by_class(labels, tf.ones_like(features[:, :1]), features, features**2)

        def rest() -> Sums:
            return tf.zeros_like(self.count), tf.zeros_like(self.mean), tf.zeros_like(self.square)

        count, *sums = map(replica_sum, tf.cond(happens, sum_up, rest))
        self.count.assign_add(count)  # (classes, 1)
        for mean, added in zip((self.mean, self.square), sums, strict=True):
            mean.assign_add((added - count * mean) / tf.maximum(self.count, 1.0))

    def pull(self, generated: tf.Tensor, labels: tf.Tensor, *, happens: tf.Tensor) -> tf.Tensor:
        """Return the gradient, to descend, by generated images (n, h, w, c) of labels (n, classes).

        It is that of half the squared offset of the means, in deviations within a class: the mean over
        features, and over classes by how often they come; zeros unless it `happens`. The offset is that of
        the batches before, and was zero before the first.
        """

        def compare() -> Sums:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(generated)
                features = self.observer.see(generated)  # (n, k)
            known = tf.cast(self.count > 0.0, tf.float32)  # (classes, 1)
            spread = tf.reduce_sum(known * (self.square - self.mean**2), 0)  # (k,)
            variance = spread / tf.maximum(tf.reduce_sum(known), 1.0)
            slope = labels @ (self.offset / tf.maximum(variance, SMALLEST_VARIANCE))  # (n, k)
            share = count_replicas() * tf.cast(tf.size(slope), tf.float32)
            scale = self.observer.scale
            gradient = tape.gradient(features, generated, output_gradients=slope / share * scale) / scale
            return gradient, *sum_by_class(labels, tf.ones_like(features[:, :1]), features)

        def rest() -> Sums:
            return tf.zeros_like(generated), tf.zeros_like(self.count), tf.zeros_like(self.mean)

        gradient, *sums = tf.cond(happens, compare, rest)
        count, total = map(replica_sum, sums)
        offset = total / tf.maximum(count, 1.0) - self.mean
        known = (count > 0.0) & (self.count > 0.0)  # (classes, 1)
        self.offset.assign_add(tf.where(known, (1.0 - DECAY) * (offset - self.offset), 0.0))
        return gradient


def sum_by_class(labels: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return the sums (classes, k) of each of the values (n, k), by labels (n, classes)."""
    return tuple(tf.matmul(labels, value, transpose_a=True) for value in values)


def build_statistic(*shape: int) -> tf.Variable:
    """Make a statistic float32 of zeros, the same in all replicas."""
    return tf.Variable(
        tf.zeros(shape), trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
    )

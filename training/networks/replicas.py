"""Which part of a batch is whose, where several replicas train together.

Every replica is given the whole (global) batch in the same order, and draws the latents of the whole
batch; `replica_share` takes its own rows of either. Losses are divided by the number of replicas, so that
the optimisers' sum of all gradients is the gradient of the global batch.
"""

import tensorflow as tf


def count_replicas() -> int:
    """Return how many replicas train together."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def replica_share(whole: tf.Tensor) -> tf.Tensor:
    """Return this replica's rows of what belongs to the global batch; up to R - 1 last rows are nobody's."""
    replicas = count_replicas()
    if replicas == 1:
        return whole
    rows = tf.shape(whole)[0] // replicas
    first = rows * tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
    return whole[first : first + rows]


def replica_mean(value: tf.Tensor) -> tf.Tensor:
    """Return the mean of all replicas' values, with its gradient."""
    return reduce_replicas(value, tf.distribute.ReduceOp.MEAN)


def replica_sum(value: tf.Tensor) -> tf.Tensor:
    """Return the sum of all replicas' values, with its gradient."""
    return reduce_replicas(value, tf.distribute.ReduceOp.SUM)


def reduce_replicas(value: tf.Tensor, operation: tf.distribute.ReduceOp) -> tf.Tensor:
    """Return what `operation` makes of all replicas' values: the value itself where there is one replica."""
    if count_replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(operation, value)

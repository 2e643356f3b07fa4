"""Dropout whose bits are a hash of a key and of each element's number, which costs a tenth of Philox.

Source of the constants: Wellons, "Prospecting for Hash Functions" (lowbias32), in the public domain.
"""

import keras
import tensorflow as tf


class HashedDropout(keras.layers.Dropout):  # type: ignore[misc]  # Keras ships no types
    """Dropout (Srivastava et al., 2014); replicas get the parts of the mask that their rows have in one.

    `stream` holds the key, int64 (2,): a seed and the number of calls so far.
    """

    def __init__(self, rate: float, **options: object) -> None:
        super().__init__(rate, **options)
        self.stream = tf.Variable(
            self.seed_generator.state.value,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # Keras's signature
        """Set a share `rate` of the elements of (n, ...) to zero and enlarge the others by 1 / (1 - rate)."""
        if not training:
            return inputs
        key = tf.cast(tf.identity(self.stream), tf.uint32)
        self.stream.assign_add([0, 1])
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        first = tf.cast(replica, tf.int32) * tf.size(inputs)
        rate = self.rate

        @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def drop(features: tf.Tensor) -> tuple[tf.Tensor, object]:
            return drop_hashed(features, key, first, rate), lambda upstream: drop_hashed(
                upstream, key, first, rate
            )

        return drop(inputs)


@tf.function(jit_compile=True, reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
def drop_hashed(features: tf.Tensor, key: tf.Tensor, first: tf.Tensor, rate: float) -> tf.Tensor:
    """Drop by the hash of uint32 key (2,) and of numbers from `first` on; XLA makes one loop of all this."""

    def fold(value: tf.Tensor, bits: int) -> tf.Tensor:
        return tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, tf.constant(bits, tf.uint32)))

    def scramble(value: tf.Tensor) -> tf.Tensor:
        value = fold(value, 16) * tf.constant(0x7FEB352D, tf.uint32)
        value = fold(value, 15) * tf.constant(0x846CA68B, tf.uint32)
        return fold(value, 16)

    numbers = first + tf.reshape(tf.range(tf.size(features)), tf.shape(features))
    bits = scramble(tf.cast(numbers, tf.uint32) + scramble(key[0]))
    bits = scramble(tf.bitwise.bitwise_xor(bits, scramble(key[1] + tf.constant(0x9E3779B9, tf.uint32))))
    kept = bits >= tf.constant(round(rate * 2**32), tf.uint32)
    enlarged = features * tf.cast(1 / (1 - rate), features.dtype)
    return tf.where(kept, enlarged, tf.zeros((), features.dtype))

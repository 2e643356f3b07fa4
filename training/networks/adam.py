"""Adam in one kernel for each weight."""

import keras
import tensorflow as tf


class FusedAdam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras ships no types
    """Adam (Kingma and Ba, arXiv:1412.6980): Keras's state and results, in one pass instead of a dozen."""

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable | keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Move one weight and its two moments."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        weight, momentum, velocity = (
            getattr(slot, "value", slot) if isinstance(slot, keras.Variable) else slot
            for slot in (variable, self._momentums[index], self._velocities[index])
        )
        tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=momentum.handle,
            v=velocity.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, tf.float32), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, tf.float32), step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

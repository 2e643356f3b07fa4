"""One pass back through the discriminator that serves both networks.

Where a generated picture comes into either loss through its own logit alone, its gradient in the generator's
loss is that in the discriminator's, times the ratio of the losses' derivatives by that logit. Nothing in the
discriminator may look at the batch, as a batch normalisation would.
"""

from dataclasses import dataclass

import keras
import tensorflow as tf

Gradients = list[tf.Tensor]


@dataclass(frozen=True, slots=True)
class SharedPass:
    """The two tapes of a step, and the generated pictures (n, h, w, c) between them."""

    drawing: tf.GradientTape
    """What recorded how the generator drew the pictures."""
    judging: tf.GradientTape
    """What watched them and recorded how the discriminator's loss came of them."""
    generated: tf.Tensor

    def differentiate(
        self,
        loss: tf.Tensor,
        ratio: tf.Tensor,
        generator: keras.Model,
        discriminator: keras.Model,
        pull: tf.Tensor | None = None,
    ) -> tuple[Gradients, Gradients]:
        """Return the gradients of the generator's loss and of the discriminator's `loss`, by their weights.

        `ratio` (n, 1) is the derivative of the generator's loss by a generated logit over that of the
        discriminator's; `pull` (n, h, w, c) is what else the generator descends, by its pictures.
        """
        gradients_d, by_image = self.judging.gradient(
            loss, [discriminator.trainable_variables, self.generated]
        )
        by_image *= ratio[:, :, None, None]
        if pull is not None:
            by_image += pull
        weights_g = generator.trainable_variables
        gradients_g = self.drawing.gradient(self.generated, weights_g, output_gradients=by_image)
        return gradients_g, gradients_d

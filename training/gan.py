"""What the loop, the checkpoints and the export need of a preset's networks."""

from typing import Protocol, runtime_checkable

import keras
import tensorflow as tf


class GAN(Protocol):
    """A generator and its adversary in training; a `tf.Module`, so that a checkpoint holds all of it."""

    step: tf.Variable
    """How many batches it has seen: all that a resume needs to know, int64 ()."""

    def finish_generator(self) -> keras.Model:
        """Return the network to draw with: latents (n, Z), or [latents, labels], to images in [-1, 1].

        Training goes on as if this had not been called.
        """

    def train_step(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Train on images float32 (n, h, w, c) in [-1, 1] of classes (n,).

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """


@runtime_checkable
class Judge(Protocol):
    """A GAN whose discriminator can be asked what it thinks of pictures, so that overtraining is noticed."""

    def score(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Return the logits float32 (n,) of images float32 (n, h, w, c) in [-1, 1] of classes (n,).

        The higher, the more real; nothing is trained and nothing augmented.
        """

"""One step of an encoder's training: half the pictures are drawn, half are real.

Of a drawing the latent is known, and learnt as far as the picture tells it; of either, what the generator
draws of the guess is to be the picture. So guesses stay where the generator draws well: Zhu et al.,
"In-domain GAN inversion for real image editing", arXiv:2004.00049.
"""

import keras
import tensorflow as tf

from training.encoder.network import LATENTS, LOGITS, build_encoder
from training.encoder.sessions import Drawing
from training.encoder.settings import EncoderSettings

MEAN_SQUARES = {"normal": 1.0, "uniform": 1.0 / 3.0}
"""Of a latent's numbers, by their distribution."""


class Learner(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """An encoder in training; `step` counts the batches that it has learnt from."""

    def __init__(self, settings: EncoderSettings, drawing: Drawing) -> None:
        """Build the encoder with weights drawn from the seed, and its optimizer, Adam (arXiv:1412.6980)."""
        super().__init__()
        subject = drawing.subject
        self.settings, self._drawing = settings, drawing
        self._mean_square = MEAN_SQUARES[subject.distribution]
        self.encoder = build_encoder(settings, subject)
        rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build(self.encoder.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def learn(
        self, pictures: tf.Tensor, latents: tf.Tensor, labels: tf.Tensor, known: tf.Tensor
    ) -> tf.Tensor:
        """Learn from pictures float32 (n, h, w, c) in [-1, 1], the first of which are drawn of `latents`.

        The latents are (m, Z), m at most n; the labels (n, classes), and 0 classes of a generator without.
        `known` float32 (n,) is 1 where the label is. Returns float32 (3,): the mean squared differences of
        pixels and of latents, and the cross entropy of the labels in nats.
        """
        drawn, settings = tf.shape(latents)[0], self.settings
        with tf.GradientTape() as tape:
            guess = self.encoder(pictures, training=True)
            guessed, cross = guess[LATENTS], tf.constant(0.0)
            if LOGITS in guess:
                each = tf.nn.softmax_cross_entropy_with_logits(labels, guess[LOGITS])
                cross = tf.reduce_sum(known * each) / tf.maximum(tf.reduce_sum(known), 1.0)
                unsure = tf.stop_gradient(tf.nn.softmax(guess[LOGITS]))
                labels = known[:, None] * labels + (1.0 - known[:, None]) * unsure
            gradients, distances = tf.numpy_function(
                self._compare, [guessed, labels, pictures], (tf.float32, tf.float32)
            )
            gradients = tf.ensure_shape(gradients, guessed.shape)
            # Its gradient by the guess is that of the distance, which was computed elsewhere.
            towards = tf.reduce_mean(tf.reduce_sum(tf.stop_gradient(gradients) * guessed, 1))
            missed = tf.reduce_mean(tf.square(guessed[:drawn] - latents))
            squares = tf.reduce_mean(tf.square(guessed), 1)
            length = tf.reduce_mean(tf.nn.relu(squares - self._mean_square))
            loss = (
                towards
                + settings.latent_weight * missed
                + settings.label_weight * cross
                + settings.length_weight * length
            )
        weights = self.encoder.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.step.assign_add(1)
        return tf.stack([tf.reduce_mean(distances), missed, cross])

    def _compare(
        self, latents: tf.Tensor, labels: tf.Tensor, pictures: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self._drawing.compare(latents, labels if labels.shape[1] else None, pictures)

    def guess(self, pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return the latents (n, Z) of pictures (n, h, w, c) in [-1, 1], and label weights (n, classes)."""
        guess = self.encoder(pictures, training=False)
        return guess[LATENTS], tf.nn.softmax(guess[LOGITS]) if LOGITS in guess else None

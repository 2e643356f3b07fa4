"""The book's recipe: a discriminator, an adversarial model that holds it frozen, and the six steps."""

import keras
import tensorflow as tf

from training.chollet.configuration import CholletConfiguration
from training.chollet.losses import crossentropy, misleading_labels, noisy_labels
from training.chollet.networks import build_discriminator, build_generator
from training.config import Precision

DRAWS_A_STEP = 3


class CholletGAN(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """The GAN of "Deep Learning with Python", 8.5, in training; `step` counts the batches it has seen.

    Its pictures lie in [-1, 1], the range of its generator's tanh; the book's lie in [0, 1].
    """

    def __init__(self, configuration: CholletConfiguration, policy: Precision) -> None:
        """Build the networks with weights drawn from the configuration's seed."""
        super().__init__()
        keras.utils.set_random_seed(configuration.seed)
        self.configuration = configuration
        self.generator = build_generator(configuration.latent_size, policy)
        self.discriminator = build_discriminator(policy)
        self.discriminator_weights = [*self.discriminator.trainable_variables]
        self.discriminator.trainable = False  # in the adversarial model, whose weights are the generator's
        latents = keras.Input((configuration.latent_size,))
        self.adversarial = keras.Model(latents, self.discriminator(self.generator(latents)))
        self.discriminator_optimizer = build_optimizer(
            configuration, configuration.discriminator_learning_rate, self.discriminator_weights
        )
        self.adversarial_optimizer = build_optimizer(
            configuration, configuration.adversarial_learning_rate, self.adversarial.trainable_variables
        )
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        # Keras leaves the random streams of its layers out of a checkpoint; a resumed run needs them.
        self.dropout_streams = [
            layer.seed_generator.state.value
            for layer in self.discriminator.layers
            if isinstance(layer, keras.layers.Dropout)
        ]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def train_step(self, images: tf.Tensor, _classes: tf.Tensor) -> tf.Tensor:
        """Train both networks on images float32 (n, 32, 32, 3) in [-1, 1].

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """
        count = tf.shape(images)[0]
        # 1. Draw points of the latent space.
        latents = self.draw_latents(count, self.draw_seed(0))  # (n, Z)
        # 2. Decode them to images.
        generated = self.generator(latents, training=True)  # (n, 32, 32, 3)
        # 3. Mix them with real ones.
        mixed = tf.concat([generated, images], 0)  # (2n, 32, 32, 3)
        # 4. Train the discriminator to tell them apart, by labels with noise.
        labels = noisy_labels(count, self.configuration.label_noise, self.draw_seed(1))  # (2n, 1)
        loss_d = self.train_discriminator(mixed, labels)
        # 5. Draw new points of the latent space.
        latents = self.draw_latents(count, self.draw_seed(2))
        # 6. Train the generator, through the frozen discriminator, towards "these are all real".
        loss_g = self.train_generator(latents, misleading_labels(count))
        self.step.assign_add(1)
        return tf.stack([loss_g, loss_d])

    def train_discriminator(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Move the discriminator's weights alone; return its loss before, float32 ()."""
        with tf.GradientTape() as tape:
            loss = crossentropy(labels, self.discriminator(images, training=True))
        weights = self.discriminator_weights
        self.discriminator_optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    def train_generator(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Move the adversarial model's weights that are not frozen; return its loss before, float32 ()."""
        with tf.GradientTape() as tape:
            loss = crossentropy(labels, self.adversarial(latents, training=True))
        weights = self.adversarial.trainable_variables
        self.adversarial_optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    def finish_generator(self) -> keras.Model:
        """Return the network to draw and export with."""
        return self.generator

    def draw_latents(self, count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draw latents float32 (count, Z), standard normal, from `seed` int64 (2,)."""
        return tf.random.stateless_normal((count, self.configuration.latent_size), seed)

    def draw_seed(self, draw: int) -> tf.Tensor:
        """Return the seed int64 (2,) of one of this step's draws, 0 to 2, by the run's seed and the step."""
        return tf.stack([tf.constant(self.configuration.seed, tf.int64), DRAWS_A_STEP * self.step + draw])


def build_optimizer(
    configuration: CholletConfiguration, learning_rate: float, weights: list[keras.Variable]
) -> keras.optimizers.RMSprop:
    """Build RMSprop (Hinton, 2012) with its slots; Keras 2's `decay` is an inverse time decay by steps."""
    schedule = keras.optimizers.schedules.InverseTimeDecay(learning_rate, 1, configuration.decay)
    optimizer = keras.optimizers.RMSprop(schedule, clipvalue=configuration.clip_value)
    optimizer.build(weights)
    return optimizer

"""The adversarial pair: two networks, two optimisers and the one step that trains both."""

import keras
import tensorflow as tf

from training.config import Precision
from training.dcgan.configuration import DcganConfiguration
from training.dcgan.dropout import HashedDropout
from training.dcgan.losses import discriminator_loss, generator_loss, generator_ratio
from training.dcgan.networks import build_discriminator, build_generator
from training.networks.adam import FusedAdam
from training.networks.replicas import count_replicas, replica_mean, replica_share
from training.networks.shared_pass import SharedPass


class DCGAN(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """A DCGAN in training; `step` counts the batches it has seen and is all that a resume needs to know."""

    def __init__(self, configuration: DcganConfiguration, policy: Precision) -> None:
        """Build both networks with weights drawn from the configuration's seed."""
        super().__init__()
        keras.utils.set_random_seed(configuration.seed)
        self.configuration = configuration
        self.generator = build_generator(configuration.latent_size, policy)
        self.discriminator = build_discriminator(policy)
        self.generator_optimizer = build_optimizer(configuration, self.generator)
        self.discriminator_optimizer = build_optimizer(configuration, self.discriminator)
        self.step = tf.Variable(
            0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )
        # Keras leaves the random streams of its layers out of a checkpoint; a resumed run needs them.
        self.dropout_streams = [
            layer.stream for layer in self.discriminator.layers if isinstance(layer, HashedDropout)
        ]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def train_step(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:  # noqa: ARG002  # every preset's signature
        """Train both networks on a global batch of images float32 (n, 28, 28, 1) in [-1, 1].

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """
        images = replica_share(images)
        latents = replica_share(self.draw_noise())  # (batch_size, Z)
        with tf.GradientTape() as drawing:
            generated = self.generator(latents, training=True)  # (batch_size, 28, 28, 1)
        with tf.GradientTape() as judging:
            judging.watch(generated)
            real_logits = self.discriminator(images, training=True)
            generated_logits = self.discriminator(generated, training=True)
            loss_d = discriminator_loss(real_logits, generated_logits)
            share_d = loss_d / count_replicas()
        loss_g = generator_loss(generated_logits)
        gradients_g, gradients_d = SharedPass(drawing, judging, generated).differentiate(
            share_d, generator_ratio(generated_logits), self.generator, self.discriminator
        )
        self.generator_optimizer.apply(gradients_g, self.generator.trainable_variables)
        self.discriminator_optimizer.apply(gradients_d, self.discriminator.trainable_variables)
        self.step.assign_add(tf.constant(1, tf.int64))
        return replica_mean(tf.stack([loss_g, loss_d]))

    def score(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:  # noqa: ARG002  # every preset's signature
        """Return the logits float32 (n,) of images float32 (n, 28, 28, 1); it knows no classes."""
        return tf.reshape(self.discriminator(images, training=False), (-1,))

    def finish_generator(self) -> keras.Model:
        """Return the network to draw and export with."""
        return self.generator

    def draw_noise(self) -> tf.Tensor:
        """Draw this step's latents float32 (batch_size, Z), standard normal, from seed and step alone."""
        shape = (self.configuration.batch_size, self.configuration.latent_size)
        seed = tf.stack([tf.constant(self.configuration.seed, tf.int64), self.step])
        return tf.random.stateless_normal(shape, seed)


def build_optimizer(configuration: DcganConfiguration, network: keras.Model) -> FusedAdam:
    """Build Adam (Kingma and Ba, arXiv:1412.6980) with its slots, so that a checkpoint can fill them."""
    optimizer = FusedAdam(configuration.learning_rate, configuration.beta_1, configuration.beta_2)
    optimizer.build(network.trainable_variables)
    return optimizer

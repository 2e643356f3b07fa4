"""A fourth preset, whole in one file: two layers against two layers, on pictures of any shape."""

from typing import Annotated, Literal

import keras
import tensorflow as tf
from pydantic import Field

from training.config import Configuration, Count
from training.preset import Preset


class ToyConfiguration(Configuration):
    preset: Literal["toy"] = "toy"
    epochs: Annotated[int, Field(ge=0)] = 0
    """0: as many as are chosen."""
    latent_size: Count = 4
    rate: float | Literal["auto"] = "auto"
    shift: float = 0.5


class ToyGAN(tf.Module):
    """A least-squares GAN (Mao et al., arXiv:1611.04076) of dense layers, with labels beside the latents."""

    def __init__(self, configuration, shape, classes):
        super().__init__()
        keras.utils.set_random_seed(configuration.seed)
        self.configuration = configuration
        pixels = shape.size * shape.size * shape.channels
        latent, label = keras.Input((configuration.latent_size,)), keras.Input((classes,))
        drawn = keras.layers.Dense(pixels, activation="tanh")(keras.layers.Concatenate()([latent, label]))
        images = keras.layers.Reshape((shape.size, shape.size, shape.channels))(drawn)
        self.generator = keras.Model([latent, label], images)
        image = keras.Input((shape.size, shape.size, shape.channels))
        self.discriminator = keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
        self.optimizers = [keras.optimizers.SGD(configuration.rate, 0.9) for _ in range(2)]
        for optimizer, network in zip(self.optimizers, (self.generator, self.discriminator), strict=True):
            optimizer.build(network.trainable_variables)
        self.classes = classes
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function(reduce_retracing=True)
    def train_step(self, images, classes):
        seed = tf.stack([tf.constant(self.configuration.seed, tf.int64), self.step])
        latents = tf.random.stateless_normal((tf.shape(images)[0], self.configuration.latent_size), seed)
        labels = tf.one_hot(tf.cast(classes, tf.int32), self.classes)
        with tf.GradientTape(persistent=True) as tape:
            generated = self.discriminator(self.generator([latents, labels], training=True))
            real = self.discriminator(images)
            loss_g = tf.reduce_mean((generated - 1.0) ** 2)
            loss_d = tf.reduce_mean((real - 1.0) ** 2) + tf.reduce_mean(generated**2)
        for optimizer, network, loss in zip(
            self.optimizers, (self.generator, self.discriminator), (loss_g, loss_d), strict=True
        ):
            optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        self.step.assign_add(1)
        return tf.stack([loss_g, loss_d])

    def finish_generator(self):
        return self.generator


def choose_settings(configuration, pictures):
    rate = {"rate": 1.0 / pictures.count} if configuration.rate == "auto" else {}
    return rate if configuration.epochs else {"epochs": 20, **rate}


def build(configuration, _policy, shape, _total_steps):
    return ToyGAN(configuration, shape, len(shape.class_names))


TOY = Preset(
    defaults=ToyConfiguration(),
    build=build,
    require_drawable=lambda _: None,
    conditional=True,
    many_devices=False,
    earlier={"shift": 0.0},
    choose_settings=choose_settings,
    few_batches=100,
)

"""The peer of `benchmarks.training`: the TensorFlow tutorial's networks, input and loop, in float32.

Written after https://www.tensorflow.org/tutorials/generative/dcgan: Keras's layers, batches of 256 from a
shuffled float32 dataset, one compiled step with a tape for each network, Adam(1e-4).
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.rounds import answer_rounds

BATCH, LATENT = 256, 100


def build_generator() -> keras.Sequential:
    """Latents (n, 100) to images (n, 28, 28, 1)."""
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 5, 1, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Conv2DTranspose(64, 5, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Conv2DTranspose(1, 5, 2, "same", use_bias=False, activation="tanh"),
        ]
    )


def build_discriminator() -> keras.Sequential:
    """Images (n, 28, 28, 1) to logits (n, 1)."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 5, 2, "same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, 2, "same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def main(path: str) -> None:
    """Train on the images of an .npy file, uint8 (n, 28, 28, 1), for as long as the input says."""
    images = (np.load(path).astype("float32") - 127.5) / 127.5
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(60_000).batch(BATCH, drop_remainder=True)
    generator, discriminator = build_generator(), build_discriminator()
    generator_optimizer, discriminator_optimizer = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def train_step(real: tf.Tensor) -> None:
        noise = tf.random.normal([BATCH, LATENT])
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = generator(noise, training=True)
            real_logits = discriminator(real, training=True)
            generated_logits = discriminator(generated, training=True)
            generator_loss = cross_entropy(tf.ones_like(generated_logits), generated_logits)
            discriminator_loss = cross_entropy(tf.ones_like(real_logits), real_logits) + cross_entropy(
                tf.zeros_like(generated_logits), generated_logits
            )
        for tape, loss, network, optimizer in (
            (generator_tape, generator_loss, generator, generator_optimizer),
            (discriminator_tape, discriminator_loss, discriminator, discriminator_optimizer),
        ):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    batches = iter(dataset.repeat())

    def train_batch() -> int:
        train_step(next(batches))
        return BATCH

    answer_rounds(train_batch, lambda: generator_optimizer.iterations.numpy())


if __name__ == "__main__":
    main(sys.argv[1])

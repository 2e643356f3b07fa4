"""The encoder: a small convolutional network, as a critic is, whose last layer says where a picture lies.

It normalises nothing: half of what it learns from is drawn and half is real, and their statistics differ.
"""

import keras
from keras import layers

from training.encoder.settings import EncoderSettings
from training.encoder.subject import Subject

LATENTS, LOGITS = "latents", "logits"
SLOPE = 0.2
LARGEST_BASE = 8
"""Pixels a side of the features that are laid out for the last layers."""
GROWTH = 4
"""The most channels, in those of the first features."""


def build_encoder(settings: EncoderSettings, subject: Subject) -> keras.Model:
    """Build the network from pictures float32 (n, h, w, c) in [-1, 1] to `latents` and `logits`, by name.

    Latents are (n, Z), those of a uniform distribution in [-1, 1]; logits are (n, classes), and no output
    where the generator knows no classes. Weights are drawn from the seed. The comments are for 28x28.
    """
    shape, seed = subject.shape, settings.seed * 1000
    picture = keras.Input((shape.height, shape.width, shape.channels), name="pictures")

    def convolve(features: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
        nonlocal seed
        seed += 1
        features = layers.Conv2D(
            filters, 3, stride, "same", kernel_initializer=keras.initializers.HeNormal(seed)
        )(features)
        return layers.LeakyReLU(SLOPE)(features)

    channels = settings.channels
    features, side = convolve(picture, channels, 1), shape.size  # (n, 28, 28, 32)
    while side > LARGEST_BASE:
        channels, side = min(2 * channels, GROWTH * settings.channels), -(-side // 2)
        features = convolve(features, channels, 2)  # (n, 14, 14, 64), (n, 7, 7, 128)
    features = layers.Flatten()(convolve(features, channels, 2))  # of (n, 4, 4, 128)
    wide = layers.Dense(2 * channels, kernel_initializer=keras.initializers.HeNormal(seed + 1))
    features = layers.LeakyReLU(SLOPE)(wide(features))  # (n, 256)
    small = keras.initializers.GlorotNormal
    latents = layers.Dense(
        subject.latent_size,
        activation="tanh" if subject.distribution == "uniform" else None,
        kernel_initializer=small(seed + 2),
        name=LATENTS,
    )(features)
    if not subject.class_names:
        return keras.Model(picture, {LATENTS: latents}, name="encoder")
    logits = layers.Dense(len(subject.class_names), kernel_initializer=small(seed + 3), name=LOGITS)
    return keras.Model(picture, {LATENTS: latents, LOGITS: logits(features)}, name="encoder")

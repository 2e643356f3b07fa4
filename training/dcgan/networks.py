"""The DCGAN of the TensorFlow tutorial (after Radford et al., arXiv:1511.06434), exact to the parameter.

Source: https://www.tensorflow.org/tutorials/generative/dcgan. Weights are float32 under either
policy; with `mixed_bfloat16` the layers between compute in bfloat16, the last ones in float32.
"""

import keras
from keras import layers

from training.dcgan.dropout import HashedDropout
from training.dcgan.layers import (
    EnlargingConvolution,
    FusedNormalization,
    ShrinkingConvolution,
    TransposedConvolution,
)


def build_generator(latent_size: int, policy: str = "float32") -> keras.Sequential:
    """Build the network from latents float32 (n, Z) to images float32 (n, 28, 28, 1) in [-1, 1].

    It has 2,330,944 parameters at Z 100.
    """
    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(7 * 7 * 256, use_bias=False, dtype=policy),
            FusedNormalization(dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            layers.Reshape((7, 7, 256), dtype=policy),  # (n, 7, 7, 256)
            TransposedConvolution(128, 5, 1, "same", use_bias=False, dtype=policy),
            FusedNormalization(dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 7, 7, 128)
            EnlargingConvolution(64, 5, 2, "same", use_bias=False, dtype=policy),
            FusedNormalization(dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 14, 14, 64)
            EnlargingConvolution(
                1, 5, 2, "same", use_bias=False, activation="tanh", dtype="float32"
            ),  # (n, 28, 28, 1)
        ],
        name="generator",
    )


def build_discriminator(policy: str = "float32") -> keras.Sequential:
    """Build the network from images float32 (n, 28, 28, 1) in [-1, 1] to logits float32 (n, 1).

    It has 212,865 parameters.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            ShrinkingConvolution(64, 5, 2, "same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            HashedDropout(0.3, dtype=policy),  # (n, 14, 14, 64)
            ShrinkingConvolution(128, 5, 2, "same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            HashedDropout(0.3, dtype=policy),  # (n, 7, 7, 128)
            layers.Flatten(dtype=policy),  # (n, 6272)
            layers.Dense(1, dtype="float32"),  # (n, 1)
        ],
        name="discriminator",
    )

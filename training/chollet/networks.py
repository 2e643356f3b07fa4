"""The networks of François Chollet, "Deep Learning with Python", 2017, 8.5, exact to the parameter.

They are the listings 8.29 and 8.30 for colour pictures of 32 pixels. Weights are float32 under either
policy; with `mixed_bfloat16` the layers between compute in bfloat16, the last ones in float32.
"""

import keras
from keras import layers

SIZE, CHANNELS = 32, 3


def build_generator(latent_size: int, policy: str = "float32") -> keras.Sequential:
    """Build the network from latents float32 (n, Z) to images float32 (n, 32, 32, 3) in [-1, 1].

    It has 6,264,579 parameters at Z 32.
    """
    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(128 * 16 * 16, dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            layers.Reshape((16, 16, 128), dtype=policy),  # (n, 16, 16, 128)
            layers.Conv2D(256, 5, padding="same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 16, 16, 256)
            layers.Conv2DTranspose(256, 4, strides=2, padding="same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 32, 32, 256)
            layers.Conv2D(256, 5, padding="same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            layers.Conv2D(256, 5, padding="same", dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),
            layers.Conv2D(CHANNELS, 7, activation="tanh", padding="same", dtype="float32"),  # (n, 32, 32, 3)
        ],
        name="generator",
    )


def build_discriminator(policy: str = "float32") -> keras.Sequential:
    """Build the network from images float32 (n, 32, 32, 3) to how likely each is generated, float32 (n, 1).

    It has 790,913 parameters.
    """
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, CHANNELS)),
            layers.Conv2D(128, 3, dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 30, 30, 128)
            layers.Conv2D(128, 4, strides=2, dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 14, 14, 128)
            layers.Conv2D(128, 4, strides=2, dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 6, 6, 128)
            layers.Conv2D(128, 4, strides=2, dtype=policy),
            layers.LeakyReLU(0.3, dtype=policy),  # (n, 2, 2, 128)
            layers.Flatten(dtype=policy),  # (n, 512)
            layers.Dropout(0.4, dtype=policy),
            layers.Dense(1, activation="sigmoid", dtype="float32"),  # (n, 1)
        ],
        name="discriminator",
    )

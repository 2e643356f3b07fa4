"""The settings of the preset `dcgan`."""

from typing import Literal

from training.config import Beta, Configuration, Rate


class DcganConfiguration(Configuration):
    """The TensorFlow tutorial's: BUFFER_SIZE 60000, BATCH_SIZE 256, EPOCHS 50, noise_dim 100, Adam(1e-4).

    Source: https://www.tensorflow.org/tutorials/generative/dcgan.
    """

    preset: Literal["dcgan"] = "dcgan"
    learning_rate: Rate = 1e-4
    beta_1: Beta = 0.9
    beta_2: Beta = 0.999

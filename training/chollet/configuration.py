"""The settings of the preset `chollet`."""

from typing import Annotated, Literal

from pydantic import Field

from training.config import Configuration, Count, Fraction, Rate


class CholletConfiguration(Configuration):
    """The book's: 10,000 batches of 20 frogs (40 epochs of 5,000), latents of 32, RMSprop, noisy labels.

    Source: François Chollet, "Deep Learning with Python", 2017, 8.5.
    """

    preset: Literal["chollet"] = "chollet"
    data: str = "cifar10"
    epochs: Count = 40
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 20
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 32
    discriminator_learning_rate: Rate = 8e-4
    adversarial_learning_rate: Rate = 4e-4
    clip_value: Annotated[float, Field(gt=0.0)] = 1.0
    """No component of a gradient is larger than this."""
    decay: Fraction = 1e-8
    """A rate is divided by 1 plus this for each step so far."""
    label_noise: Fraction = 0.05

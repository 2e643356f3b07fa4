"""The preset `chollet` as the registry has it."""

from typing import TYPE_CHECKING

from training.chollet.configuration import CholletConfiguration
from training.config import Precision
from training.preset import OneShape, Preset
from training.shape import PictureShape

if TYPE_CHECKING:
    from training.gan import GAN


def build(
    configuration: CholletConfiguration, policy: Precision, _shape: PictureShape, _total_steps: int
) -> "GAN":
    """Build the book's networks, which know one shape and no length."""
    from training.chollet.gan import CholletGAN

    return CholletGAN(configuration, policy)


PRESET = Preset(
    defaults=CholletConfiguration(),
    build=build,
    require_drawable=OneShape("chollet", 32, 3),
    many_devices=False,  # it draws its latents, label noise and dropout for one
)

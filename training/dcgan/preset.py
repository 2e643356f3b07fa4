"""The preset `dcgan` as the registry has it."""

from typing import TYPE_CHECKING

from training.config import Precision
from training.dcgan.configuration import DcganConfiguration
from training.preset import OneShape, Preset
from training.shape import PictureShape

if TYPE_CHECKING:
    from training.gan import GAN


def build(
    configuration: DcganConfiguration, policy: Precision, _shape: PictureShape, _total_steps: int
) -> "GAN":
    """Build the tutorial's networks, which know one shape and no length."""
    from training.dcgan.gan import DCGAN

    return DCGAN(configuration, policy)


PRESET = Preset(
    defaults=DcganConfiguration(),
    build=build,
    require_drawable=OneShape("dcgan", 28, 1),
)

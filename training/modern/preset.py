"""The preset `modern` as the registry has it."""

from typing import TYPE_CHECKING

from training.config import Precision
from training.modern.automatic import REASONS, choose_settings
from training.modern.configuration import EARLIER, ModernConfiguration
from training.modern.sizes import base_sides, count_channels
from training.preset import Preset
from training.shape import PictureShape

if TYPE_CHECKING:
    from training.gan import GAN

FEW_BATCHES = 2_000
"""A fifth of what the bundled emoji took."""
BYTES_PER_PIXEL, BYTES_PER_PIXEL_AND_CHANNEL = 3_000, 5
"""Of a batch, and more for each of the generator's `width`: fitted to peaks; see `training.launch.memory`."""
RESIDUAL_BYTES, RESIDUAL_BYTES_PER_CHANNEL = 1_000, 100
"""The same of residual networks, by the channels of their largest features."""


def build(
    configuration: ModernConfiguration, policy: Precision, shape: PictureShape, total_steps: int
) -> "GAN":
    """Build the networks for pictures of any shape; the rates depend on the length."""
    from training.modern.gan import ModernGAN

    return ModernGAN(configuration, policy, shape, total_steps)


def require_halves(shape: PictureShape) -> None:
    """Raise DataError for pictures that the generator cannot grow from its first features."""
    base_sides(shape.height, shape.width)


def count_bytes(configuration: ModernConfiguration, shape: PictureShape) -> int:
    """Return what a pixel of a batch takes in training, in bytes."""
    if configuration.residual is True:
        return RESIDUAL_BYTES + RESIDUAL_BYTES_PER_CHANNEL * count_channels(shape.size, configuration.width)
    return BYTES_PER_PIXEL + BYTES_PER_PIXEL_AND_CHANNEL * configuration.width


PRESET = Preset(
    defaults=ModernConfiguration(),
    build=build,
    require_drawable=require_halves,
    conditional=True,
    # Grappler sums the branches' gradients in temporaries of one name, and now and then two are alive at
    # once: AlreadyExistsError, "AddOpsRewrite_add/tmp_var". Without that rewrite it is as fast.
    bears_arithmetic_rewrite=False,
    bears_float16=True,
    count_bytes=count_bytes,
    earlier=EARLIER,
    choose_settings=choose_settings,
    reasons=REASONS,
    few_batches=FEW_BATCHES,
)

"""The sides of pictures that the networks of `modern` can be built for, and what goes by the size: one table.

Where it comes from: R3GAN (Huang et al., arXiv:2501.05441) has 768 channels up to 32x32 features, then 384,
192 and 96 at 256x256, and gamma 0.05 at 32, 2 at 64 and 150 at 256; StyleGAN2-ADA (Karras et al.,
arXiv:2006.06676) has 64 channels at 256, batches of 32 to 64, 25,000 kimg until it has converged and 5,000
for reasonable pictures; FastGAN (Liu et al., arXiv:2101.04775) learns from a hundred photographs with batches
of 8. A processor pays for every channel and for every picture of a batch, so both are smaller here, and
channels are halved from 32x32 on, down to a floor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log
from types import MappingProxyType

from training.errors import DataError
from training.shape import PictureShape

LARGEST_BASE = 8
SMALLEST_BASE = 4
LARGEST_WATCHED = 64
"""Longer sides are averaged down to this before classifier and observer see them."""

CHANNELS: Mapping[int, int] = MappingProxyType(
    {8: 128, 16: 128, 32: 64, 64: 32, 128: 32, 256: 32, 512: 16, 1024: 16}
)
"""Of features up to so many pixels a side, with `width` 128: the floor is 32, and 16 beyond 256."""
BLOCK_CHANNELS = 16
"""Every number of channels is a multiple of this: what an engine computes at once."""

PENALTIES = ((32, 0.05), (64, 2.0), (256, 150.0))
"""R3GAN's gamma by the side of the pictures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes by the size of the pictures, up to `side` pixels."""

    side: int
    residual: bool
    """Residual networks; small pictures have the plain ones, which were measured at 28 and 32."""
    blocks: int
    """Residual blocks where features have 32 pixels or fewer a side; larger ones have one."""
    batch_size: int
    learning_rate: float
    images: int
    """Looks at a picture in a whole run: what is reasonable, not what has converged."""


PLANS = (
    Plan(32, residual=False, blocks=1, batch_size=64, learning_rate=2e-3, images=960_000),
    Plan(64, residual=True, blocks=1, batch_size=16, learning_rate=1e-3, images=1_000_000),
    Plan(128, residual=True, blocks=1, batch_size=16, learning_rate=1e-3, images=2_000_000),
    Plan(256, residual=True, blocks=2, batch_size=16, learning_rate=5e-4, images=5_000_000),
    Plan(1024, residual=True, blocks=2, batch_size=8, learning_rate=5e-4, images=5_000_000),
)


def find_plan(shape: PictureShape) -> Plan:
    """Return the row for pictures of that shape, by the longer side."""
    return next(plan for plan in PLANS if shape.size <= plan.side)


def choose_penalty(side: int) -> float:
    """Return gamma for pictures of `side` pixels: R3GAN's, a straight line between them in logarithms.

    Beyond the largest it grows with the square of the side.
    """
    first, first_weight = PENALTIES[0]
    if side <= first:
        return first_weight
    for (low, weight), (high, heavier) in pairwise(PENALTIES):
        if side <= high:
            share = log(side / low) / log(high / low)
            return float(f"{weight * (heavier / weight) ** share:.3g}")
    last, weight = PENALTIES[-1]
    return float(f"{weight * (side / last) ** 2:.3g}")


def count_channels(side: int, width: int) -> int:
    """Return the channels of features with `side` pixels on the longer side: at 128 `width` the table's."""
    channels = next(channels for largest, channels in CHANNELS.items() if side <= largest)
    return max(BLOCK_CHANNELS, round(channels * width / 128 / BLOCK_CHANNELS) * BLOCK_CHANNELS)


def base_size(size: int) -> int:
    """Return the side of the generator's first features: `size` halved until it is 8 or less.

    Raises:
        DataError: the side cannot be halved so far; 28, 32, 48 and 64 can.
    """
    return base_sides(size, size)[0]


def base_sides(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the generator's first features: halved until neither is above 8.

    Raises:
        DataError: a side cannot be halved so often, or one is so short that nothing is left of it.
    """
    sides = (height, width)
    named = f"{height} pixels wide" if height == width else f"of {width}x{height} pixels"
    while max(sides) > LARGEST_BASE:
        if sides[0] % 2 or sides[1] % 2:
            raise DataError(
                f"Pictures {named} cannot be halved to {LARGEST_BASE} or fewer; use 28, 32, 48 or 64"
                + ("." if height == width else ", or a rectangle of multiples of 16 such as 96x64.")
            )
        sides = (sides[0] // 2, sides[1] // 2)
    if height != width and min(sides) < SMALLEST_BASE:
        raise DataError(
            f"Pictures {named} are too long: halved until the longer side is {LARGEST_BASE} or less, the "
            f"shorter has {min(sides)}, and {SMALLEST_BASE} are needed. Use sides that differ by less."
        )
    return sides

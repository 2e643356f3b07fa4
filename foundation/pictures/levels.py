"""Greys of more than eight bits, whole numbers or not, brought to 0 to 255 with their tones kept.

Pillow itself clips them at 255. A file says how many bits a level has, but not always how many are used;
where that cannot be known the picture is refused, in words, rather than taken as white or black.
"""

import re
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS_PER_SAMPLE, SAMPLE_FORMAT, PHOTOMETRIC = 258, 339, 262
WHITE_IS_ZERO = 0
ORIENTATION = 0x0112
SIGNED = 2
DARKEST = 16
"""Of 255 levels: what stays below all over was stored in fewer bits than it is said to have."""
SCALED_BY_PILLOW = ("PPM", "PNG", "JPEG2000")
"""Formats whose levels Pillow has brought to 0 to 65535."""
_DEEP = re.compile(r";16[LBN]")
"""Pillow's names for colours of sixteen bits each in some order; `BGR;16` has as many for all three."""


class WrongLevels(ValueError):
    """Greys whose range is not known; the message says which they are."""


def spread_levels(picture: Image.Image) -> Image.Image:
    """A picture of mode I;16, I or F as grey of eight bits, mode L; any other as it is.

    Raises:
        WrongLevels: the levels are negative, no numbers, or in no range that the file gives.
    """
    if picture.mode == "F":
        fractions = np.asarray(picture, np.float64)
        if not np.isfinite(fractions).all() or fractions.min() < 0 or fractions.max() > 1:
            raise WrongLevels(f"its greys are {describe_range(fractions)}, and fractions go from 0 to 1")
        return as_grey(fractions, picture)
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        levels, highest = read_levels(picture)
        if levels.min() < 0 or levels.max() > highest:
            raise WrongLevels(f"its greys are {describe_range(levels)} of 0 to {highest}")
        if 0 < levels.max() < DARKEST / 256 * highest:
            raise WrongLevels(
                f"its greys are {describe_range(levels)} of 0 to {highest}, nearly black: stored in fewer "
                "bits than the file says"
            )
        shares = levels / highest
        transparent = picture.info.get("transparency")
        if isinstance(transparent, int):
            shares = np.where(levels == transparent, 1.0, shares)
        return as_grey(shares, picture)
    bits, kind = read_tags(picture)
    if picture.mode == "L" and bits == 8 and kind == SIGNED:
        raise WrongLevels("its greys are signed numbers of eight bits")
    return picture


def is_deep_colour(picture: Image.Image) -> bool:
    """Say of a picture that is opened, not loaded, whether its colours have sixteen bits each.

    Pillow keeps the upper eight of them.
    """
    if picture.mode not in ("RGB", "RGBA", "LA"):
        return False
    tiles = getattr(picture, "tile", ())
    return any(_DEEP.search(str(tile[3])) for tile in tiles)


def require_spread(picture: Image.Image) -> None:
    """Raise WrongLevels where what was read of sixteen bits is nearly black all over, and not quite.

    Scientific cameras store ten or twelve bits in the lower part of sixteen. Where something is opaque all
    of them are used, and what is dark, such as a silhouette, is meant so.
    """
    highest = int(np.asarray(picture).max())
    if 0 < highest < DARKEST:
        raise WrongLevels(
            f"its colours go up to {highest} of 255, nearly black: stored in fewer bits than the file says"
        )


def read_levels(picture: Image.Image) -> tuple[NDArray[np.int64], int]:
    """The levels int64 (h, w), and the highest that there could be."""
    levels = np.asarray(picture)
    bits, kind = read_tags(picture)
    if picture.mode != "I":
        return levels.astype(np.int64), 2 ** min(bits or 16, 16) - 1
    if picture.format in SCALED_BY_PILLOW:
        return levels.astype(np.int64), 65_535
    if bits is None:
        raise WrongLevels("its greys have 32 bits, and it does not say how many of them are used")
    if kind == SIGNED:
        return levels.astype(np.int64), 2 ** (bits - 1) - 1
    return levels.astype(np.int32).view(np.uint32).astype(np.int64), 2**bits - 1


def read_tags(picture: Image.Image) -> tuple[int | None, int]:
    """How many bits a level has, and of what kind it is, as a TIFF file says; else None and 1."""
    tags = getattr(picture, "tag_v2", {})
    bits, kind = tags.get(BITS_PER_SAMPLE), tags.get(SAMPLE_FORMAT, 1)
    return (
        int(bits[0] if isinstance(bits, tuple) else bits) if bits else None,
        int(kind[0] if isinstance(kind, tuple) else kind),
    )


def as_grey(shares: NDArray[np.float64], source: Image.Image) -> Image.Image:
    """Shares of white float64 (h, w), 0 to 1, as a picture of mode L that lies as its source does."""
    if getattr(source, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        shares = 1.0 - shares
    grey = Image.fromarray(np.rint(shares * 255).astype(np.uint8))
    with suppress(Exception):  # EXIF data that make no sense
        grey.getexif()[ORIENTATION] = source.getexif()[ORIENTATION]
    return grey


def describe_range(levels: NDArray[np.generic]) -> str:
    """`3 to 4095`."""
    return f"{levels.min():.6g} to {levels.max():.6g}"

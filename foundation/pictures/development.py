"""From a picture that Pillow has opened to the pixels that a generator learns from, as graphs read them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from foundation.images import Images
from foundation.pictures.colours import UnusableProfile, to_srgb
from foundation.pictures.framing import Frame, Pixels, frame_picture
from foundation.pictures.levels import is_deep_colour, require_spread, spread_levels

DRAFT_FACTOR = 2
"""A JPEG file is decoded no smaller than so many times the frame."""

Signed = NDArray[np.float32]
"""float32 (n, height, width, channels) in [-1, 1], of four channels with colours multiplied by alpha."""


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture's pixels."""

    pixels: Pixels
    unconverted: str | None = None
    """Why its colours were taken as they are, where its profile could not be used."""


def draft(picture: Image.Image, frame: Frame) -> None:
    """Let a JPEG file be decoded no larger than is needed; `picture.size` is then what will be decoded."""
    side = DRAFT_FACTOR * max(frame.height, frame.width)
    picture.draft(None, (side, side))


def load(picture: Image.Image) -> None:
    """Decode a picture that is opened.

    Raises:
        WrongLevels: colours of sixteen bits that were stored in fewer.
        Exception: nearly any, of Pillow's decoders, where the file is damaged.
    """
    deep = is_deep_colour(picture)
    picture.load()
    if deep:
        require_spread(picture)


def develop(picture: Image.Image, frame: Frame) -> Developed:
    """Decode what was opened, and bring it into the frame, the way up its camera was held (EXIF).

    Its colours are those of sRGB, by its profile if it has one that can be used. Of an animation it is the
    first picture.

    Raises:
        WrongLevels: greys or colours of more than eight bits whose range is not known.
        Exception: nearly any, of Pillow's decoders, where the file is damaged.
    """
    load(picture)
    upright = turn_upright(spread_levels(picture))
    unconverted = None
    try:
        upright = to_srgb(upright)
    except UnusableProfile as error:
        unconverted = str(error)
    return Developed(frame_picture(upright, frame), unconverted)


def turn_upright(picture: Image.Image) -> Image.Image:
    """A picture the way up its camera was held, or as it lies where its EXIF data make no sense."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # Pillow's readers raise nearly anything on damaged data
        return picture


def scale_pixels(images: Images) -> Signed:
    """Pixels uint8 (n, h, w, c) as float32 in [-1, 1], as training scales them (`training.data.batches`)."""
    levels = images.astype(np.float32)
    if images.shape[-1] == 4:
        levels[..., :3] *= levels[..., 3:] / np.float32(255.0)
    scaled: Signed = (levels - np.float32(127.5)) / np.float32(127.5)
    return scaled

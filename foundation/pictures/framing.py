"""From a picture of any size and mode to a rectangle of uint8."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

WHITE = (255, 255, 255, 255)
NOTHING = (0, 0, 0, 0)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}

Crop = Literal["centre", "none"]
Pixels = NDArray[np.uint8]
"""uint8 (height, width, channels); of four channels the last is alpha, and the colours are straight."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle that pictures are brought into, and what is done with those of another form."""

    height: int
    width: int
    channels: Literal[1, 3, 4]
    crop: Crop = "centre"
    """`centre` cuts the largest such rectangle from the middle; `none` keeps all, with white beside it."""


def frame_picture(picture: Image.Image, frame: Frame) -> Pixels:
    """A picture as uint8 (height, width, channels), on white where it is transparent.

    Of four channels it stays transparent; the colours are straight, and black where there is nothing.
    Without a crop there is white, or nothing, beside what is of another form. Smaller ones are made as
    `stylegan3`'s dataset tool does, by Lanczos's filter.
    """
    height, width, channels = frame.height, frame.width, frame.channels
    known = picture.convert("RGBA") if channels == 4 else flatten(picture).convert(MODES[channels])
    if frame.crop == "centre":
        # What is cut off leaves no trace.
        middle = known.crop(find_middle(*known.size, width, height))
        framed = middle.resize((width, height), Image.Resampling.LANCZOS)
    else:
        beside = NOTHING if channels == 4 else WHITE[:channels]
        framed = ImageOps.pad(known, (width, height), Image.Resampling.LANCZOS, color=beside)
    pixels = np.asarray(framed, np.uint8).reshape(height, width, channels)
    return np.where(pixels[..., 3:] > 0, pixels, np.uint8(0)) if channels == 4 else pixels


def find_middle(wide: int, high: int, width: int, height: int) -> tuple[int, int, int, int]:
    """The box of the largest rectangle of the form `width` to `height` amid `wide` by `high`."""
    across = max(1, min(wide, high * width // height))
    down = max(1, min(high, wide * height // width))
    left, top = (wide - across) // 2, (high - down) // 2
    return left, top, left + across, top + down


def flatten(picture: Image.Image) -> Image.Image:
    """A picture laid on white, mode RGB, or as it is where nothing of it is transparent."""
    if not picture.has_transparency_data:
        return picture
    coloured = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured).convert("RGB")

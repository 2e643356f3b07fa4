"""From a picture of any size and mode to a rectangle of uint8, as the settings say."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from training.shape import PictureSettings

DEFAULT_SIZE = 32
DEFAULT_CHANNELS = 3
WHITE = (255, 255, 255, 255)
NOTHING = (0, 0, 0, 0)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def frame(picture: Image.Image, settings: PictureSettings) -> NDArray[np.uint8]:
    """Return a picture as uint8 (height, width, channels), on white where it is transparent.

    Of four channels it stays transparent; the colours are straight, and black where there is nothing.
    `crop` centre cuts the largest rectangle of that form from its middle; none keeps all of it, with white
    (or nothing) beside it. Smaller ones are made as `stylegan3`'s dataset tool does, by Lanczos's filter.
    """
    height, width = settings.choose_sides(DEFAULT_SIZE, DEFAULT_SIZE)
    channels = settings.channels or DEFAULT_CHANNELS
    known = picture.convert("RGBA") if channels == 4 else flatten(picture).convert(MODES[channels])
    if settings.crop == "centre":
        # What is cut off leaves no trace.
        middle = known.crop(find_middle(*known.size, width, height))
        framed = middle.resize((width, height), Image.Resampling.LANCZOS)
    else:
        beside = NOTHING if channels == 4 else WHITE[:channels]
        framed = ImageOps.pad(known, (width, height), Image.Resampling.LANCZOS, color=beside)
    pixels = np.asarray(framed, np.uint8).reshape(height, width, channels)
    return np.where(pixels[..., 3:] > 0, pixels, np.uint8(0)) if channels == 4 else pixels


def find_middle(wide: int, high: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the box of the largest rectangle of the form `width` to `height` amid `wide` by `high`."""
    across = max(1, min(wide, high * width // height))
    down = max(1, min(high, wide * height // width))
    left, top = (wide - across) // 2, (high - down) // 2
    return left, top, left + across, top + down


def flatten(picture: Image.Image) -> Image.Image:
    """Return a picture laid on white, mode RGB, or as it is where nothing of it is transparent."""
    if not picture.has_transparency_data:
        return picture
    coloured = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured).convert("RGB")


def frame_array(images: NDArray[np.uint8], settings: PictureSettings) -> NDArray[np.uint8]:
    """Return images uint8 (n, h, w, c), c 1, 3 or 4, in the size and channels that are set.

    Pictures with transparency become colour on white unless four channels are set. What else is not set stays
    as it is, but for a rectangle, which becomes a square; images which fit already are returned themselves.
    """
    _, height, width, channels = images.shape
    sides = settings.choose_sides(min(height, width), min(height, width))
    wanted = settings.channels or min(channels, 3)
    if (height, width, channels) == (*sides, wanted):
        return images
    settings = settings.model_copy(update={"size": (sides[1], sides[0]), "channels": wanted})
    framed = [frame(Image.fromarray(image[..., 0] if channels == 1 else image), settings) for image in images]
    return np.stack(framed)

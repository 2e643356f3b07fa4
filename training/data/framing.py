"""From a picture of any size and mode to a square of uint8, as the settings say."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from training.shape import PictureSettings

DEFAULT_SIZE = 32
DEFAULT_CHANNELS = 3
WHITE = (255, 255, 255, 255)
MODES = {1: "L", 3: "RGB"}


def frame(picture: Image.Image, settings: PictureSettings) -> NDArray[np.uint8]:
    """Return a picture as uint8 (size, size, channels), on white where it is transparent.

    `crop` centre cuts the largest square from its middle; none keeps all of it, with white beside it.
    Smaller ones are made as `stylegan3`'s dataset tool makes them, by Lanczos's filter.
    """
    size, channels = settings.size or DEFAULT_SIZE, settings.channels or DEFAULT_CHANNELS
    opaque = flatten(picture).convert(MODES[channels])
    target = (size, size)
    if settings.crop == "centre":
        side = min(opaque.size)
        left, top = (opaque.width - side) // 2, (opaque.height - side) // 2
        middle = opaque.crop((left, top, left + side, top + side))  # what is cut off leaves no trace
        square = middle.resize(target, Image.Resampling.LANCZOS)
    else:
        square = ImageOps.pad(opaque, target, Image.Resampling.LANCZOS, color=WHITE[:channels])
    return np.asarray(square, np.uint8).reshape(size, size, channels)


def flatten(picture: Image.Image) -> Image.Image:
    """Return a picture laid on white, mode RGB, or as it is where nothing of it is transparent."""
    if not picture.has_transparency_data:
        return picture
    coloured = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured).convert("RGB")


def frame_array(images: NDArray[np.uint8], settings: PictureSettings) -> NDArray[np.uint8]:
    """Return images uint8 (n, h, w, c), c 1 or 3, as squares of the size and channels that are set.

    What is not set stays as it is, so that images which fit already are returned themselves.
    """
    _, height, width, channels = images.shape
    settings = settings.model_copy(
        update={"size": settings.size or min(height, width), "channels": settings.channels or channels}
    )
    if (height, width, channels) == (settings.size, settings.size, settings.channels):
        return images
    squares = [
        frame(Image.fromarray(image[..., 0] if channels == 1 else image), settings) for image in images
    ]
    return np.stack(squares)

"""From a picture of any size and mode to a rectangle of uint8, as the settings say."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.pictures.framing import Frame, frame_picture
from training.shape import PictureSettings

DEFAULT_SIZE = 32
DEFAULT_CHANNELS: Literal[3] = 3


def find_frame(settings: PictureSettings) -> Frame:
    """Return the rectangle that pictures of any size are brought into."""
    height, width = settings.choose_sides(DEFAULT_SIZE, DEFAULT_SIZE)
    return Frame(height, width, settings.channels or DEFAULT_CHANNELS, settings.crop)


def frame(picture: Image.Image, settings: PictureSettings) -> NDArray[np.uint8]:
    """Return a picture as uint8 (height, width, channels), as `foundation.pictures.framing` makes it."""
    return frame_picture(picture, find_frame(settings))


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

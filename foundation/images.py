"""Pictures as a generator gives them, and how far two tellings of them are apart."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from foundation.manifest import Difference

Images = NDArray[np.uint8]
"""uint8 (n, height, width, channels), 0 to 255; channels is 1, 3 or, with straight alpha, 4."""


def hash_images(images: Images) -> str:
    """Sha256 of the images' bytes in C order, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def blend_on_white(images: Images) -> Images:
    """Images uint8 (…, 4) laid on white, (…, 3), rounded to the nearest level; others as they are."""
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:].astype(np.uint16)
    # 255 x 255 is the largest product, and half of 255 more still fits.
    laid = images[..., :3] * alpha + np.uint16(255) * (np.uint16(255) - alpha) + np.uint16(127)
    return (laid // np.uint16(255)).astype(np.uint8)


def measure_difference(images: Images, exact: Images) -> Difference:
    """How far `images` are from the `exact` ones of the same shape."""
    levels = np.abs(images.astype(np.int16) - exact.astype(np.int16))
    return Difference(max_levels=int(levels.max()), pixels_differing=float((levels > 0).mean()))

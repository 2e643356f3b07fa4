"""Pictures as a generator gives them, and how far two tellings of them are apart."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from foundation.manifest import Difference

Images = NDArray[np.uint8]
"""uint8 (n, height, width, channels), 0 to 255; channels is 1 or 3."""


def hash_images(images: Images) -> str:
    """Sha256 of the images' bytes in C order, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


def measure_difference(images: Images, exact: Images) -> Difference:
    """How far `images` are from the `exact` ones of the same shape."""
    levels = np.abs(images.astype(np.int16) - exact.astype(np.int16))
    return Difference(max_levels=int(levels.max()), pixels_differing=float((levels > 0).mean()))

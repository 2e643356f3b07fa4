"""A fingerprint of a picture that small changes leave alone: the DCT hash, 64 bits.

Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (pHash): the 8×8
lowest frequencies of the grey picture at 32×32, each a bit by whether it is above their median.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDE, FREQUENCIES = 32, 8
THUMBNAIL_SIDE = 16


def hash_picture(pixels: NDArray[np.uint8]) -> int:
    """Return the hash of pixels uint8 (32, 32, 3): 64 bits."""
    grey = pixels.astype(np.float64).mean(axis=2)
    basis = cosine_basis()
    lowest = (basis @ grey @ basis.T).reshape(-1)  # (64,)
    bits = lowest > np.median(lowest[1:])  # the mean of the picture is no part of its form
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


@cache
def cosine_basis() -> NDArray[np.float64]:
    """Return the first eight rows of the DCT-II of 32 values, (8, 32)."""
    rows, places = np.mgrid[:FREQUENCIES, :SIDE]
    basis: NDArray[np.float64] = np.cos(np.pi * rows * (2 * places + 1) / (2 * SIDE))
    return basis


def make_thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels uint8 (32, 32, 3) as grey uint8 (16, 16), the mean of each square of four."""
    factor = SIDE // THUMBNAIL_SIDE
    squares = pixels.reshape(THUMBNAIL_SIDE, factor, THUMBNAIL_SIDE, factor, 3)
    thumbnail: NDArray[np.uint8] = squares.mean(axis=(1, 3, 4)).astype(np.uint8)
    return thumbnail

"""The golden pictures of a release: what its graph drew where it was made, and what says so."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foundation.images import hash_images
from foundation.manifest import GoldenCheck, SeedScheme
from foundation.processor import recorded_here

GOLDEN_IMAGES = "golden.npy"
"""The file that holds them."""


def record_golden(images: NDArray[np.uint8], seeds: Sequence[int], scheme: SeedScheme) -> GoldenCheck:
    """The check that the graph draws `images`, uint8 (n, h, w, c), for `seeds`, as it did on this machine."""
    return GoldenCheck(
        seeds=tuple(seeds),
        scheme=scheme,
        sha256=hash_images(images),
        images=GOLDEN_IMAGES,
        recorded_on=recorded_here(),
    )

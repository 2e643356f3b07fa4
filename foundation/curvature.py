"""How a generator's pictures change along its latent, by and large: what a descent knows before it begins.

Along a few directions of a latent space pictures change much, along most hardly at all. Descents that know
these need half the steps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foundation.images import Images
from foundation.labels import Weights
from foundation.latents import Latents, draw_classes, draw_latents
from foundation.pictures.development import Signed, scale_pixels

TIMES = 3
"""So often each direction is measured, at most, each time at another latent."""
MAX_PIXELS = 2**21
"""That are drawn for it, at most; of a model that needs more the curvature is not known."""
MAX_LATENT_SIZE = 256
"""Of a larger one it is not known either: memory grows with the square of it, time with the cube."""
APART = 0.05
"""How far latents go for it."""
LEAST_SHARE = 0.02
"""Of the greatest curvature: none is taken to be less."""
_BATCH = 16

Numbers = NDArray[np.float64]
Draw = Callable[[Latents, Weights | None], Images]
Differentiate = Callable[[Latents, Weights | None, Signed], Latents]
"""The gradients (n, Z) of latents, for labels and pictures."""


class Curvature:
    """The inverse of a distance's second derivative, float64 (Z, Z), a mean over latents."""

    def __init__(self, inverse: Numbers) -> None:
        self.inverse = inverse

    def flatten(self, slopes: Numbers) -> Numbers:
        """Slopes (n, Z) times the inverse: row by row and in one order, the same in any batch."""
        return np.stack([(row[:, None] * self.inverse).sum(0) for row in slopes])


def measure_curvature(
    draw: Draw,
    differentiate: Differentiate,
    *,
    size: int,
    classes: int,
    pixels: int,
    distribution: str = "normal",
    prior: float = 0.0,
) -> Curvature | None:
    """Measure it of a model with latents of `size`, so many classes and pictures of so many pixels.

    Pictures are drawn, and each latent is moved a little along one direction: how the gradient follows is a
    column of the second derivative (for the rest see `Projection.prior`). None where that costs too much,
    or says nothing.
    """
    times = min(TIMES, MAX_PIXELS // (size * pixels))
    if not times or size > MAX_LATENT_SIZE:
        return None
    total = np.zeros((size, size))
    for first in range(0, times * size, _BATCH):
        seeds = range(first, min(first + _BATCH, times * size))
        latents = draw_latents(seeds, size, distribution=distribution)
        labels = np.eye(classes, dtype=np.float32)[draw_classes(seeds, classes)] if classes else None
        pictures = scale_pixels(draw(latents, labels))
        moved = latents.copy()
        along = np.array(seeds) % size
        moved[np.arange(len(seeds)), along] += np.float32(APART)
        gradients = differentiate(moved, labels, pictures).astype(np.float64)
        np.add.at(total, along, gradients - 2.0 * prior / size * latents)
    second = total / times / APART
    if not np.isfinite(second).all():
        return None
    values, directions = np.linalg.eigh((second + second.T) / 2.0)
    if values[-1] <= 0.0:
        return None
    raised = np.maximum(values, 0.0) + LEAST_SHARE * values[-1]
    return Curvature((directions / raised) @ directions.T)

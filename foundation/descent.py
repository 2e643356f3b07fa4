"""Steps on latents, from a guess to what draws a picture best."""

import numpy as np
from numpy.typing import NDArray

from foundation.curvature import Curvature, Numbers
from foundation.latents import Latents

MEMORY = 16
"""Steps that are remembered; more of them gave nothing."""
REACH = 0.2
"""The longest step, as a share of the square root of the latent's size."""
SHORTER, SHORTEST = 0.5, 0.05
"""What is left of a step after one that led nowhere."""
_TURNED = 1e-8
"""The least cosine between a step and what it did to the gradient that says anything of curvature."""

Distances = NDArray[np.float32]


class Nearest:
    """Latents float32 (n, Z) that are asked about, and the nearest of all so far, each picture by itself."""

    def __init__(self, latents: Latents) -> None:
        self.latents = np.array(latents, np.float32)
        """What to ask about next."""
        self.best = self.latents.copy()
        self.distances: Distances = np.full(len(latents), np.inf, np.float32)
        """Of `best`; infinite before anything was asked."""

    def keep(self, distances: Distances) -> None:
        """Keep what is nearer than before, by distances float32 (n,) of `latents`."""
        nearer = distances < self.distances  # never of a distance that is no number
        self.best[nearer] = self.latents[nearer]
        self.distances[nearer] = distances[nearer]


class Descent(Nearest):
    """L-BFGS (Liu and Nocedal, 1989) on latents float32 (n, Z), each picture by itself.

    Ask `gradient.onnx` about `latents` and hand its answer to `take`, `steps` times, and the distance of
    where that led to `keep`: `best` is then the nearest of all that were asked about. There is no search
    along a line: a step that leads nearer is kept, one that does not is taken back, and the next is half as
    long. Sums are over the numbers of one picture, in float64 and in one order: a row comes out the same in
    any batch, on any processor.
    """

    def __init__(
        self, latents: Latents, rate: float, curvature: Curvature | None = None, prior: float = 0.0
    ) -> None:
        """`curvature` is what is known before the first step; else that goes `rate` in each number, about.

        `prior` is the weight of the latent's mean square in the gradients.
        """
        super().__init__(latents)
        count, size = self.latents.shape
        self._curvature, self._prior = curvature, prior
        self._first_length, self._longest = rate * size**0.5, REACH * size**0.5
        self._asked = self.latents.astype(np.float64)
        self._place = self._asked
        """From where steps go."""
        self._height = np.full(count, np.inf)
        """What is to become least there: the distance, and the prior's part."""
        self._slope = np.zeros_like(self._place)
        self._share = np.ones(count)
        """Of the step that the curvature says."""
        self._ease: Numbers | None = None
        """How far to go for a slope of 1, where no curvature was known before."""
        self._past: list[tuple[Numbers, Numbers, Numbers]] = []
        """Steps, what they did to the slope, and one over the product of both; zeros where unsound."""

    def take(self, gradients: Latents, distances: Distances) -> None:
        """`keep` what is nearer, by distances float32 (n,), and step along gradients (n, Z)."""
        self.keep(distances)
        with np.errstate(all="ignore"):  # of a graph that gives what is no number
            slope = gradients.astype(np.float64)
            height = distances.astype(np.float64)
            if self._prior:
                height = height + self._prior * np.square(self._asked).mean(1)
            if np.isfinite(self._height).any():
                self._remember(self._asked - self._place, slope - self._slope)
            lower = height < self._height
            self._place = np.where(lower[:, None], self._asked, self._place)
            self._slope = np.where(lower[:, None], slope, self._slope)
            self._height = np.where(lower, height, self._height)
            self._share = np.where(lower, 1.0, np.maximum(SHORTER * self._share, SHORTEST))
            step = self._choose_step()
            length = np.sqrt(_dot(step, step))
            far = self._share * np.minimum(1.0, self._longest / np.maximum(length, 1e-30))
            asked = self._place + far[:, None] * step
            asked = np.where(np.isfinite(asked).all(1)[:, None], asked, self._place)
        self.latents = asked.astype(np.float32)
        self._asked = self.latents.astype(np.float64)

    def _remember(self, step: Numbers, change: Numbers) -> None:
        product = _dot(step, change)
        sound = product > _TURNED * np.sqrt(_dot(step, step) * _dot(change, change))
        sound &= np.isfinite(product)
        kept = sound[:, None]
        inverse = np.where(sound, 1.0 / product, 0.0)
        self._past.append((np.where(kept, step, 0.0), np.where(kept, change, 0.0), inverse))
        del self._past[:-MEMORY]
        if self._curvature is None and self._ease is not None:
            self._ease = np.where(sound, product / _dot(change, change), self._ease)

    def _choose_step(self) -> Numbers:
        """Minus the slope times the inverse of the curvature, as far as that is known."""
        rest, shares = self._slope, []
        for step, change, inverse in reversed(self._past):
            share = (inverse * _dot(step, rest))[:, None]
            rest = rest - share * change
            shares.append(share)
        if self._curvature is not None:
            rest = self._curvature.flatten(rest)
        else:
            if self._ease is None:
                self._ease = self._first_length / np.maximum(np.sqrt(_dot(rest, rest)), 1e-30)
            rest = self._ease[:, None] * rest
        for (step, change, inverse), share in zip(self._past, reversed(shares), strict=True):
            rest = rest + (share - (inverse * _dot(change, rest))[:, None]) * step
        return -rest


def _dot(these: Numbers, those: Numbers) -> Numbers:
    """The product of each row with its own."""
    products: Numbers = (these * those).sum(1)
    return products

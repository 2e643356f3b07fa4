"""Gradient steps on latents, from a guess to what draws a picture best."""

import numpy as np
from numpy.typing import NDArray

from foundation.latents import Latents

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam's two averages, and what keeps its quotient finite: Kingma and Ba, arXiv:1412.6980."""

Distances = NDArray[np.float32]


class Descent:
    """Adam (Kingma and Ba, arXiv:1412.6980) on latents float32 (n, Z), each picture by itself.

    Ask `gradient.onnx` about `latents` and hand its answer to `take`, `steps` times and once more: `best`
    is then the nearest of all that were asked about. Element by element, in float32: a row comes out the
    same in any batch, on any processor.
    """

    def __init__(self, latents: Latents, rate: float) -> None:
        self.latents = np.array(latents, np.float32)
        """What to ask about next."""
        self.best = self.latents.copy()
        self.distances: Distances = np.full(len(latents), np.inf, np.float32)
        """Of `best`; infinite before anything was asked."""
        self._rate = rate
        self._first = np.zeros_like(self.latents)
        self._second = np.zeros_like(self.latents)
        self._steps = 0

    def take(self, gradients: Latents, distances: Distances) -> None:
        """Keep what is nearer than before, by distances float32 (n,), and step along gradients (n, Z)."""
        nearer = distances < self.distances  # never of a distance that is no number
        self.best[nearer] = self.latents[nearer]
        self.distances[nearer] = distances[nearer]
        self._steps += 1
        self._first += np.float32(1 - FIRST_DECAY) * (gradients - self._first)
        self._second += np.float32(1 - SECOND_DECAY) * (gradients * gradients - self._second)
        rate = np.float32(self._rate / (1 - FIRST_DECAY**self._steps))
        scale = np.sqrt(self._second / np.float32(1 - SECOND_DECAY**self._steps)) + np.float32(EPSILON)
        self.latents = self.latents - rate * self._first / scale

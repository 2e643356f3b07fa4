"""What the default search for a latent is, for comparison: Adam, from anywhere."""

import numpy as np

from foundation.descent import Distances, Nearest
from foundation.latents import Latents

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam's two averages, and what keeps its quotient finite: Kingma and Ba, arXiv:1412.6980."""


class PlainDescent(Nearest):
    """Adam (Kingma and Ba, arXiv:1412.6980) on latents float32 (n, Z); asked and told like a `Descent`."""

    def __init__(self, latents: Latents, rate: float) -> None:
        super().__init__(latents)
        self._rate = rate
        self._first = np.zeros_like(self.latents)
        self._second = np.zeros_like(self.latents)
        self._steps = 0

    def take(self, gradients: Latents, distances: Distances) -> None:
        """`keep` what is nearer, by distances float32 (n,), and step along gradients (n, Z)."""
        self.keep(distances)
        self._steps += 1
        self._first += np.float32(1 - FIRST_DECAY) * (gradients - self._first)
        self._second += np.float32(1 - SECOND_DECAY) * (gradients * gradients - self._second)
        rate = np.float32(self._rate / (1 - FIRST_DECAY**self._steps))
        scale = np.sqrt(self._second / np.float32(1 - SECOND_DECAY**self._steps)) + np.float32(EPSILON)
        self.latents = self.latents - rate * self._first / scale

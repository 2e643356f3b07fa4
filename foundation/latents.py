"""From seeds to latents: the part of the seed contract that must never change by a single bit.

Scheme `philox-1`: the raw 64-bit words of Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", 2011) keyed by the seed, made normal by Box and Muller's transform (1958) in float64. NumPy
promises the raw words for ever, not its normal distribution (NEP 19), hence the transform here.
Scheme `numpy-randomstate-1`: `numpy.random.RandomState(seed).randn(size)`, as StyleGAN's scripts draw;
NumPy has frozen it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray

from foundation.manifest import SeedScheme

SEED_LIMIT = 2**32
"""Seeds are whole numbers from 0 up to, not including, this."""

Latents = NDArray[np.float32]
"""float32 (n, z)."""

_LATENT_STREAM = 0
_CLASS_STREAM = 1
_UNIT_53 = 2.0**-53


def draw_latents(
    seeds: Sequence[int],
    size: int,
    *,
    distribution: str = "normal",
    scheme: SeedScheme = "philox-1",
) -> Latents:
    """The latents of `seeds`, float32 (n, size): standard normal, or uniform in [-1, 1).

    A seed's row does not depend on the other seeds. Seeds are in [0, 2³²).
    """
    if scheme == "numpy-randomstate-1":
        return _draw_by_random_state(seeds, size, distribution)
    words = _random_words(seeds, size + size % 2, _LATENT_STREAM)  # (n, size rounded up to even)
    uniform = (words >> np.uint64(11)) * _UNIT_53  # in [0, 1)
    if distribution == "uniform":
        return (2.0 * uniform[:, :size] - 1.0).astype(np.float32)
    radius = np.sqrt(-2.0 * np.log1p(-uniform[:, 0::2]))
    angle = 2.0 * np.pi * uniform[:, 1::2]
    normal = np.empty_like(uniform)
    normal[:, 0::2] = radius * np.cos(angle)
    normal[:, 1::2] = radius * np.sin(angle)
    return normal[:, :size].astype(np.float32)


def draw_classes(seeds: Sequence[int], classes: int) -> NDArray[np.int64]:
    """The class that each seed stands for when a request names none: int64 (n,) in [0, classes)."""
    words = _random_words(seeds, 1, _CLASS_STREAM)[:, 0]
    return ((words >> np.uint64(11)) * _UNIT_53 * classes).astype(np.int64)


def truncate(latents: Latents, truncation: float, mean: Sequence[float] | None) -> Latents:
    """Scale latents towards the mean by `truncation` in (0, 1]; 1 changes no bit.

    The truncation trick: Brock et al., "Large scale GAN training" (2019); Karras et al., StyleGAN (2019).
    """
    if truncation == 1.0:
        return latents
    centre = np.zeros(latents.shape[1], np.float32) if mean is None else np.asarray(mean, np.float32)
    return (centre + np.float32(truncation) * (latents - centre)).astype(np.float32)


def _random_words(seeds: Sequence[int], count: int, stream: int) -> NDArray[np.uint64]:
    """The first `count` words of each seed's Philox stream, uint64 (n, count)."""
    words = np.empty((len(seeds), count), np.uint64)
    if not len(seeds):
        return words
    generator = np.random.Philox(_Key(seeds[0], stream))  # type: ignore[arg-type] # it takes any ISeedSequence
    if len(seeds) > 1:
        state = generator.state  # re-keying one generator is faster than making one for each seed
    words[0] = generator.random_raw(count)
    for row, seed in enumerate(seeds[1:], 1):
        state["state"]["key"][0] = seed
        generator.state = state
        words[row] = generator.random_raw(count)
    return words


class _Key(ISeedSequence):
    """A seed that is Philox's key as it stands: making one of a number takes three times as long."""

    def __init__(self, seed: int, stream: int) -> None:
        self._words = np.array((seed, stream), np.uint64)

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint64) -> NDArray[np.uint64]:
        """The key: Philox asks for two words of 64 bits, and for nothing else."""
        return self._words[:n_words].astype(dtype, copy=False)


def _draw_by_random_state(seeds: Sequence[int], size: int, distribution: str) -> Latents:
    latents = np.empty((len(seeds), size), np.float32)
    for row, seed in enumerate(seeds):
        state = np.random.RandomState(seed)
        latents[row] = state.randn(size) if distribution == "normal" else state.uniform(-1.0, 1.0, size)
    return latents

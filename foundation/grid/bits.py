"""How many bits what goes into a layer has, for the least noise."""

import numpy as np

from foundation.grid.calibration import Range
from foundation.grid.linear import Linear, bound_sums

MAP_BITS, MIN_BITS = 13, 7
"""Of what enters a convolution, its sign among them: at most, and at least."""
_BITS_STEP = 0.5
"""Units are any numbers, so half a bit is as good as a whole one."""
REFINED, BOUNDED = 0.05, 0.3
"""What is left of the noise of weights once they are refined, by which bits are chosen; and by which bounds
are looked for, which then cut off more. Both were found by trying."""


def choose_bits(linear: Linear, ranges: Range, limit: float, *, joined: bool = False) -> float:
    """How many bits goes in: the more, the fewer are left to the weights, as no sum may pass `limit`.

    Where the channels are added to each other afterwards, they are `joined`: the limit is that of all.
    """
    return weigh_bits(linear, ranges, limit, REFINED, joined=joined)[0]


def weigh_bits(
    linear: Linear, ranges: Range, limit: float, left: float, *, joined: bool = False
) -> tuple[float, float]:
    """How many bits goes in, and the noise that is left, as a share of what comes out.

    `left` is the share of the weights' noise that is left once they are refined.
    """
    axes = tuple(axis for axis in range(ranges.low.ndim) if axis != linear.axis % ranges.low.ndim)
    greatest, square = np.maximum(ranges.greatest.max(axes), 1e-12), ranges.square.mean(axes)
    low, high = ranges.low.min(axes) / greatest, ranges.high.max(axes) / greatest
    weights = linear.weights * linear.spread(greatest)  # of what goes in as a share of its greatest
    least, most = bound_sums(linear, weights, None, low, high)
    bound = np.maximum(np.maximum(-least, most), 1e-30)
    taps = linear.weights.shape[2]
    through = (weights**2).sum((1, 2))
    carried = linear.spread(square / greatest**2).sum((1, 2)) * taps
    answered = np.maximum((weights**2 * linear.spread(square / greatest**2)).sum((1, 2)), 1e-30)
    if joined:
        live = int((through > 0).sum())
        bound, through, answered = (each.sum(keepdims=True) for each in (bound, through, answered))
        carried = carried[:1] * live
    choices = np.arange(MIN_BITS, MAP_BITS + _BITS_STEP / 2, _BITS_STEP)
    noise = []
    for bits in choices:
        whole = 2.0 ** (bits - 1)
        step = bound * whole / (limit / 2**0.5)  # of the weights; half a bit is lost on average
        noise.append(float(np.mean((through / whole**2 + left * carried * step**2) / (12 * answered))))
    best = int(np.argmin(noise))
    return float(choices[best]), noise[best]

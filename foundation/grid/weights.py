"""Weights on a grid: for each output channel the finest on which no sum can pass 2²⁴ steps."""

import numpy as np

from foundation.grid.linear import Linear, bound_sums
from foundation.grid.movement import Array

MAX_BITS = 24
"""Fraction bits; more say nothing."""


def choose_grid(
    linear: Linear,
    weights: Array,
    bias: Array | None,
    low: Array,
    high: Array,
    limit: float,
    *,
    joined: bool = False,
) -> Array:
    """For each output channel the most fraction bits t for which no sum passes `limit` steps of 2⁻ᵗ: (out,).

    `low` and `high` (in,) bound the whole numbers that go in. `joined` channels have the same t.
    """
    least, most = bound_sums(linear, weights, bias, low, high)
    bound = np.maximum(np.maximum(-least, most), 2.0**-100)
    taps = linear.spread(np.maximum(-low, high)).sum((1, 2)) * weights.shape[2] + 1
    bits = np.minimum(np.floor(np.log2(limit / bound)), MAX_BITS)
    if joined:
        bits = np.full(len(bits), bits.min())
    # Rounded, each weight may have grown by half a step.
    while True:
        worst = _worst(linear, weights, bias, low, high, bits)
        over = worst > limit
        if not over.any() or np.all(taps == 0):
            return bits
        bits = bits - (over.any() if joined else over)


def round_to(values: Array, bits: Array) -> Array:
    """Each of `values` (out, …) to the nearest multiple of 2⁻ᵗ, t that of its output channel."""
    lined = bits.reshape(-1, *(1,) * (values.ndim - 1))
    rounded: Array = np.ldexp(np.rint(np.ldexp(values, lined.astype(int))), -lined.astype(int))
    return rounded


def _worst(linear: Linear, weights: Array, bias: Array | None, low: Array, high: Array, bits: Array) -> Array:
    bias = None if bias is None else round_to(bias, bits)
    least, most = bound_sums(linear, round_to(weights, bits), bias, low, high)
    worst: Array = np.ldexp(np.maximum(-least, most), bits.astype(int))
    return worst

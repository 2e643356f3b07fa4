"""Tensors as whole numbers int64 and one t, that say whole · 2⁻ᵗ."""

import numpy as np


def to_grid(array):
    """A constant as whole numbers, on one grid for all of it."""
    array = np.asarray(array, np.float64)
    for t in range(-40, 60):
        scaled = np.ldexp(array, t)
        if np.array_equal(scaled, np.rint(scaled)):
            return (np.rint(scaled).astype(np.int64), t)
    raise AssertionError("on no grid")


def known(value):
    return value if isinstance(value, tuple) else to_grid(value)


def align(first, second):
    """Two tensors on one grid."""
    (one, t), (other, u) = known(first), known(second)
    finest = max(t, u)
    return one << (finest - t), other << (finest - u), finest


def small(whole):
    assert np.abs(whole).max(initial=0) < 2**53, "larger than what is proven"
    return whole


def reduce(value):
    """On the coarsest grid that holds it, so that whole numbers stay small."""
    whole, t = value
    while t > 0 and not np.any(whole & 1):
        whole, t = whole >> 1, t - 1
    return whole, t


def round_half_even(whole, t):
    if t <= 0:
        return whole << -t
    floor = whole >> t
    rest = whole - (floor << t)
    half = 1 << (t - 1)
    return floor + ((rest > half) | ((rest == half) & (floor % 2 == 1)))

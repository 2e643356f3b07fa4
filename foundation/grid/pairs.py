"""Two tensors of few different numbers each, multiplied, divided or side by side: every pair can be tried."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from foundation.grid.tail import Tail

MAX_PAIRS = 2**20
SANE_QUOTIENT = 2.0**-20
"""What a division may be wrong by, as a share of what it gives; one by way of a reciprocal is within 2⁻²²."""
_PRODUCT = 2.0**-23
Points = NDArray[np.float64]


def follow_pair(node: onnx.NodeProto, tails: Sequence[Tail]) -> Tail:
    """Behind `node`, which reads several tensors whose numbers are known one by one.

    Raises:
        ValueError: it does more than that, or there are too many pairs.
    """
    found = [_unite(each.points, each.errors) for each in tails]
    if node.op_type == "Concat":
        return _unite(
            *(np.concatenate([getattr(each, key) for each in found]) for key in ("points", "errors"))
        )
    if node.op_type not in ("Mul", "Div") or len(found) != 2 or len(node.input) != 2:
        raise ValueError("an operator of several tensors that is not proven to be exact")
    first, second = found
    if len(first.points) * len(second.points) > MAX_PAIRS:
        raise ValueError(f"more than {MAX_PAIRS:,} pairs of numbers may meet there")
    one, wrong = first.points[:, None], first.errors[:, None]
    other, off = second.points[None], second.errors[None]
    if node.op_type == "Mul":
        points = one * other
        errors = np.abs(one) * off + np.abs(other) * wrong + wrong * off + np.abs(points) * _PRODUCT
    else:
        if (np.abs(other) - off).min() <= 0:
            raise ValueError("it divides by what may be zero")
        points = one / other
        errors = (wrong + np.abs(points) * off) / (np.abs(other) - off) + np.abs(points) * SANE_QUOTIENT
    return _unite(points.ravel(), errors.ravel())


def _unite(points: Points, errors: Points) -> Tail:
    """Each point once, with the greatest of its errors."""
    distinct, places = np.unique(points, return_inverse=True)
    worst = np.zeros_like(distinct)
    np.maximum.at(worst, places.ravel(), errors)
    return Tail(distinct, worst)

"""Two tensors of few different numbers each, multiplied, divided or side by side: every pair can be tried."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from foundation.grid.movement import Array
from foundation.grid.tail import MAX_NUMBER, SANE_QUOTIENT, Tail, put_beside

MAX_PAIRS = 2**20
_PRODUCT = 2.0**-23
Points = NDArray[np.float64]


def follow_pair(node: onnx.NodeProto, tails: Sequence[Tail], constants: Mapping[str, Array]) -> Tail:
    """Behind `node`, which reads several tensors whose numbers are known one by one.

    Raises:
        ValueError: it does more than that, or there are too many pairs.
    """
    found = [_unite(each.points, each.errors) for each in tails]
    if node.op_type == "Concat":
        points, errors = (
            np.concatenate([getattr(each, key) for each in found]) for key in ("points", "errors")
        )
        if len(points) > MAX_PAIRS:
            raise ValueError(f"more than {MAX_PAIRS:,} numbers may lie side by side there")
        return put_beside(node, _unite(points, errors), constants)
    if node.op_type not in ("Mul", "Div") or len(found) != 2 or len(node.input) != 2:
        raise ValueError("an operator of several tensors that is not proven to be exact")
    first, second = found
    if len(first.points) * len(second.points) > MAX_PAIRS:
        raise ValueError(f"more than {MAX_PAIRS:,} pairs of numbers may meet there")
    if not all(np.all(np.abs(each.points) < MAX_NUMBER) for each in found):
        raise ValueError("a constant is no finite number, or makes numbers that float32 may not hold")
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

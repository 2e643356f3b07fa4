"""Numbers of a tensor, from JSON or from raw bytes, into arrays: strict in type, count and range."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.errors import InvalidField

WIDTHS = {"FP32": 4, "INT32": 4, "UINT32": 4, "INT64": 8, "UINT64": 8}
"""Bytes of an element, for the datatypes that are read."""

_BINARY = {"FP32": "<f4", "INT32": "<i4", "UINT32": "<u4", "INT64": "<i8", "UINT64": "<u8"}


def read_floats(field: str, shape: Sequence[int], values: list[Any] | memoryview) -> NDArray[np.float32]:
    """The FP32 tensor of `shape` in `values`: JSON numbers, or little-endian bytes of the right length.

    Raises:
        InvalidField: another count, something that is no number, or a number that is no finite float32.
    """
    if isinstance(values, memoryview):
        numbers = np.frombuffer(values, _BINARY["FP32"]).reshape(shape)
    else:
        flat = _flatten(field, shape, values)
        _check_types(field, flat, {int, float})
        try:
            numbers = np.array(flat, np.float64).reshape(shape)
        except OverflowError:
            raise InvalidField(field, "the numbers must be finite and fit float32") from None
    if not (np.abs(numbers) <= np.finfo(np.float32).max).all():  # NaN is not, either
        raise InvalidField(field, "the numbers must be finite and fit float32")
    return numbers.astype(np.float32)  # copies: bytes that came after JSON may lie unaligned


def read_integers(
    field: str, datatype: str, shape: Sequence[int], values: list[Any] | memoryview
) -> list[int]:
    """The numbers of an integer tensor of rank 1 in `values`: JSON or little-endian bytes.

    Raises:
        InvalidField: another count, or something that is no whole number.
    """
    if isinstance(values, memoryview):
        numbers: list[int] = np.frombuffer(values, _BINARY[datatype]).tolist()
        return numbers
    flat = _flatten(field, shape, values)
    _check_types(field, flat, {int})
    return flat


def _flatten(field: str, shape: Sequence[int], values: list[Any]) -> list[Any]:
    """`values` row by row: they may come flat, or nested as `shape` says."""
    if len(shape) == 2 and values and isinstance(values[0], list):
        rows, columns = shape
        if len(values) != rows or any(not isinstance(row, list) or len(row) != columns for row in values):
            raise InvalidField(field, f"the rows are not those of the shape {list(shape)}")
        values = list(chain.from_iterable(values))
    count = int(np.prod(shape, dtype=object))
    if len(values) != count:
        raise InvalidField(field, f"has {len(values):,} numbers, the shape {list(shape)} has {count:,}")
    return values


def _check_types(field: str, values: list[Any], allowed: set[type]) -> None:
    if not set(map(type, values)) <= allowed:  # exact types: a bool is no number here
        kind = "numbers" if float in allowed else "whole numbers"
        raise InvalidField(field, f"may hold nothing but {kind}")

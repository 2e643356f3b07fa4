"""Numbers of a tensor, from JSON or from raw bytes, into arrays: strict in type, count and range."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.errors import InvalidField

WIDTHS = {"FP32": 4, "INT32": 4, "UINT32": 4, "INT64": 8, "UINT64": 8}
"""Bytes of an element, for the datatypes that are read."""

_PART_NUMBERS = 2**12
"""Of a flat list, made into an array in one go: a tenth of a millisecond."""

_BINARY = {"FP32": "<f4", "INT32": "<i4", "UINT32": "<u4", "INT64": "<i8", "UINT64": "<u8"}


def read_floats(field: str, shape: Sequence[int], values: list[Any] | memoryview) -> NDArray[np.float32]:
    """The FP32 tensor of `shape` in `values`: JSON numbers, or little-endian bytes of the right length.

    Raises:
        InvalidField: another count, something that is no number, or a number that is no finite float32.
    """
    if isinstance(values, memoryview):
        numbers = np.frombuffer(values, _BINARY["FP32"]).reshape(shape)
    else:
        numbers, end = np.empty(count_numbers(shape), np.float64), 0
        for part in _parts(field, shape, values):
            _check_types(field, part, {int, float})
            start, end = end, end + len(part)
            try:
                numbers[start:end] = part
            except OverflowError:
                raise InvalidField(field, "the numbers must be finite and fit float32") from None
        numbers = numbers.reshape(shape)
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
    flat: list[int] = []
    for part in _parts(field, shape, values):
        _check_types(field, part, {int})
        flat += part
    return flat


def count_numbers(shape: Sequence[int]) -> int:
    """How many numbers a tensor of `shape` has."""
    return math.prod(shape)


def _parts(field: str, shape: Sequence[int], values: list[Any]) -> Iterator[list[Any]]:
    """`values` a slice or a row at a time: they may come flat, or nested as `shape` says.

    What makes an array of a list keeps the GIL until it is done; between two parts other threads run.
    """
    if len(shape) == 2 and values and isinstance(values[0], list):
        rows, columns = shape
        if len(values) != rows or any(not isinstance(row, list) or len(row) != columns for row in values):
            raise InvalidField(field, f"the rows are not those of the shape {list(shape)}")
        yield from values
        return
    count = count_numbers(shape)
    if len(values) != count:
        raise InvalidField(field, f"has {len(values):,} numbers, the shape {list(shape)} has {count:,}")
    for start in range(0, count, _PART_NUMBERS):
        yield values[start : start + _PART_NUMBERS]


def _check_types(field: str, values: list[Any], allowed: set[type]) -> None:
    if not set(map(type, values)) <= allowed:  # exact types: a bool is no number here
        kind = "numbers" if float in allowed else "whole numbers"
        raise InvalidField(field, f"may hold nothing but {kind}")

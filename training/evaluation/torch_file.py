"""The weights in a file of PyTorch's, read without PyTorch, and without running what a pickle may ask for."""

import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from training.errors import EvaluationError

MAGIC = 0x1950A86A20F9469CFC6C
"""With which PyTorch's format of before 1.6 begins: no zip archive, four pickles and then the numbers."""
TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
MAX_BYTES = 2**30

Array = NDArray[np.generic]


class Slices(pickle.Unpickler):
    """Knows the four names that weights are made of, and refuses every other."""

    def find_class(self, module: str, name: str) -> object:
        """Return what stands for a name: a dictionary, a kind of numbers, or the description of an array."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return describe_slice
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: tuple[str, np.dtype[np.generic], str, str, int, object]) -> object:
        """Return key, type and length of the numbers that an array is cut from."""
        _, kind, key, _, length, _ = pid
        return key, kind, length


Numbers = tuple[str, np.dtype[np.generic], int]
Slice = tuple[Numbers, int, tuple[int, ...], tuple[int, ...]]


def describe_slice(
    numbers: Numbers, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> Slice:
    """Return of which numbers, from where on, and in which shape, an array is."""
    return numbers, first, shape, strides


def read_weights(path: Path) -> dict[str, Array]:
    """Return the arrays in a file of PyTorch's old format, by their names.

    Raises:
        EvaluationError: it is no such file, or a damaged one, or holds anything but arrays.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise pickle.UnpicklingError(f"it has more than {MAX_BYTES:,} bytes")
        with path.open("rb") as file:
            return read_arrays(file)
    except (OSError, EOFError, ValueError, LookupError, TypeError, struct.error, pickle.PickleError) as error:
        raise EvaluationError(
            f"{path} holds no weights that can be read ({error}). Install its package anew."
        ) from error


def read_arrays(file: BinaryIO) -> dict[str, Array]:
    """Return the arrays in an open file, by their names; raise what a damaged one brings about."""
    plain: Callable[[], object] = lambda: Slices(file).load()  # noqa: E731  # four times in a row
    magic, _, _ = plain(), plain(), plain()  # the format's version and the machine's sizes come after it
    if magic != MAGIC:
        raise pickle.UnpicklingError("it does not begin as one")
    slices, keys = plain(), plain()
    if not isinstance(slices, dict) or not isinstance(keys, list):
        raise pickle.UnpicklingError("it holds no arrays by their names")
    kinds = {numbers[0]: numbers[1] for numbers, *_ in slices.values()}
    stored: dict[str, Array] = {}
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        stored[key] = np.frombuffer(read_exactly(file, length * kinds[key].itemsize), kinds[key])
    return {name: cut_array(stored[numbers[0]], *rest) for name, (numbers, *rest) in slices.items()}


def cut_array(stored: Array, first: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return an array among stored numbers, `strides` of them apart; raise ValueError for one beyond."""
    last = first + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if first < 0 or min((*shape, *strides), default=1) < 1 or max(last, math.prod(shape) - 1) >= len(stored):
        raise ValueError("an array lies outside its numbers")
    steps = [stride * stored.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(stored[first:], shape, steps, writeable=False).copy()


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """Return so many bytes; raise EOFError where there are fewer."""
    content = file.read(count) if 0 <= count <= MAX_BYTES else b""
    if len(content) != count:
        raise EOFError("it ends too early")
    return content

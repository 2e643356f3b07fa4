"""Operators that only move numbers about: what they do to an array, of one sample, of anything."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
Attributes = Mapping[str, Any]
Options = Sequence[Array | None]
"""A node's inputs but the first, as far as they are constants."""

MAX_NUMBERS = 2**26
"""Of a tensor, of one picture."""
_NEAREST = (
    (b"asymmetric", b"floor"),
    (b"half_pixel", b"round_prefer_floor"),
    (b"pytorch_half_pixel", b"round_prefer_floor"),
)
"""The coordinates and the rounding by which each number is repeated."""
_NEAREST_OF_TWO = (b"asymmetric", b"round_prefer_floor")
MOVERS = frozenset(
    {
        "Concat",
        "DepthToSpace",
        "Flatten",
        "Identity",
        "Pad",
        "Reshape",
        "Resize",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
        "Upsample",
    }
)
"""Their outputs hold their inputs' numbers, or zeros around them, and no others."""


def read_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def move(
    node: onnx.NodeProto, arrays: Sequence[Array], constants: Mapping[str, Array], fill: float = 0
) -> list[Array]:
    """What `node` makes of `arrays` (1, …), one for each input that is no constant: one for each output.

    `fill` is what a Pad puts around them.

    Raises:
        ValueError: the operator does more than move numbers, the way it is used here.
    """
    if sum(each.size for each in arrays) > MAX_NUMBERS:
        raise ValueError(f"it has more than {MAX_NUMBERS:,} numbers of one picture")
    if node.op_type == "Concat":
        return [np.concatenate(list(arrays), axis=read_attributes(node)["axis"])]
    options = [constants.get(name) for name in node.input[1:]]
    if node.op_type == "Pad":
        return [_pad(arrays[0], read_attributes(node), options, fill)]
    if node.op_type == "Split":
        return _split(arrays[0], read_attributes(node), options, len(node.output))
    return [_ONE[node.op_type](arrays[0], read_attributes(node), options)]


def check_size(shape: Sequence[int]) -> None:
    """Refuse more than `MAX_NUMBERS` of one picture.

    Raises:
        ValueError: there are more.
    """
    if math.prod(int(side) for side in shape) > MAX_NUMBERS:
        raise ValueError(f"it makes more than {MAX_NUMBERS:,} numbers of one picture")


def read_order(given: Attributes) -> list[int]:
    """The order in which a Transpose puts its axes.

    Raises:
        ValueError: it names none, which reverses them: pictures are no longer the first axis.
    """
    if "perm" not in given:
        raise ValueError("it reverses the axes, that of the pictures too")
    return list(given["perm"])


def _reshape(values: Array, given: Attributes, options: Options) -> Array:
    shape = options[0]
    if shape is None or given.get("allowzero", 0):
        raise ValueError("its shape is no constant, or may hold zeros")
    return values.reshape(
        [values.shape[index] if size == 0 else int(size) for index, size in enumerate(shape)]
    )


def _flatten(values: Array, given: Attributes, _options: Options) -> Array:
    return values.reshape(int(np.prod(values.shape[: given.get("axis", 1)])), -1)


def _split(values: Array, given: Attributes, options: Options, parts: int) -> list[Array]:
    axis = given.get("axis", 0)
    sizes = options[0] if options and options[0] is not None else given.get("split")
    if sizes is not None:
        return list(np.split(values, np.cumsum(sizes)[:-1].astype(int), axis=axis))
    if values.shape[axis] % parts:
        raise ValueError("its parts are not of one size")
    return list(np.array_split(values, parts, axis=axis))


def _axes(given: Attributes, options: Options) -> tuple[int, ...] | None:
    axes = options[0] if options else given.get("axes")
    return None if axes is None else tuple(int(axis) for axis in axes)


def _squeeze(values: Array, given: Attributes, options: Options) -> Array:
    return np.squeeze(values, _axes(given, options))


def _unsqueeze(values: Array, given: Attributes, options: Options) -> Array:
    return np.expand_dims(values, _axes(given, options) or ())


def _to_space(values: Array, given: Attributes, _options: Options) -> Array:
    block, mode = given["blocksize"], given.get("mode", b"DCR")
    batch, channels, height, width = values.shape
    kept = channels // block**2
    if mode == b"DCR":
        parts = values.reshape(batch, block, block, kept, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = values.reshape(batch, kept, block, block, height, width).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(batch, kept, height * block, width * block)


def _pad(values: Array, given: Attributes, options: Options, fill: float) -> Array:
    if given.get("mode", b"constant") != b"constant" or (len(options) > 2 and options[2] is not None):
        raise ValueError("it pads otherwise than by a constant along all axes")
    value = options[1] if len(options) > 1 and options[1] is not None else given.get("value", 0.0)
    pads = options[0] if options and options[0] is not None else given.get("pads")
    if pads is None or np.any(np.asarray(value) != 0) or min(pads) < 0:
        raise ValueError("it pads otherwise than with zeros")
    sides = [side + sum(pads[axis :: values.ndim]) for axis, side in enumerate(values.shape)]
    if np.prod(sides, dtype=float) > MAX_NUMBERS:
        raise ValueError(f"it makes more than {MAX_NUMBERS:,} numbers of one picture")
    around = np.asarray(pads, int).reshape(2, -1).T
    return np.pad(values, around, constant_values=fill)


def _enlarge(values: Array, given: Attributes, options: Options) -> Array:
    """The nearest neighbour, a whole number of times as large."""
    if given.get("mode", b"nearest") != b"nearest":
        raise ValueError("it interpolates, which rounds")
    scales = [
        each for each in (*options, given.get("scales")) if each is not None and len(each) == values.ndim
    ]
    wanted = np.asarray(scales[-1], float) if scales else None
    if wanted is not None and options and options[-1] is not None and options[-1].dtype == np.int64:
        wanted = options[-1] / np.asarray(values.shape, float)
    if wanted is None or np.any(wanted != np.rint(wanted)):
        raise ValueError("it enlarges otherwise than a whole number of times")
    how = (
        given.get("coordinate_transformation_mode", b"half_pixel"),
        given.get("nearest_mode", b"round_prefer_floor"),
    )
    if how not in _NEAREST and not (how == _NEAREST_OF_TWO and wanted.max() <= 2):
        raise ValueError("it enlarges by other coordinates than the nearest neighbour's")
    if values.size * float(np.prod(wanted)) > MAX_NUMBERS:
        raise ValueError(f"it makes more than {MAX_NUMBERS:,} numbers of one picture")
    for axis, times in enumerate(wanted.astype(int)):
        values = np.repeat(values, times, axis=axis)
    return values


_ONE: Mapping[str, Callable[[Array, Attributes, Options], Array]] = {
    "DepthToSpace": _to_space,
    "Flatten": _flatten,
    "Identity": lambda values, _given, _options: values,
    "Reshape": _reshape,
    "Resize": _enlarge,
    "Squeeze": _squeeze,
    "Transpose": lambda values, given, _options: values.transpose(read_order(given)),
    "Unsqueeze": _unsqueeze,
    "Upsample": _enlarge,
}
"""Operators of one input and one output."""

"""Operators that only move numbers about: what they do to an array, of one sample, of anything."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]

MAX_NUMBERS = 2**26
"""Of a tensor, of one picture."""
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
    given = read_attributes(node)
    (values, *_) = arrays
    if sum(each.size for each in arrays) > MAX_NUMBERS:
        raise ValueError(f"it has more than {MAX_NUMBERS:,} numbers of one picture")
    options = [constants.get(name) for name in node.input[1:]]
    kind = node.op_type
    if kind == "Identity":
        return [values]
    if kind == "Reshape":
        shape = [
            values.shape[index] if size == 0 else int(size) for index, size in enumerate(_given(options))
        ]
        return [values.reshape(shape)]
    if kind == "Flatten":
        return [values.reshape(int(np.prod(values.shape[: given.get("axis", 1)])), -1)]
    if kind == "Transpose":
        return [values.transpose(given.get("perm"))]
    if kind == "Concat":
        return [np.concatenate(list(arrays), axis=given["axis"])]
    if kind == "Split":
        axis = given.get("axis", 0)
        sizes = options[0] if options and options[0] is not None else given.get("split")
        if sizes is None:
            if values.shape[axis] % len(node.output):
                raise ValueError("its parts are not of one size")
            return list(np.array_split(values, len(node.output), axis=axis))
        return list(np.split(values, np.cumsum(sizes)[:-1].astype(int), axis=axis))
    if kind == "Squeeze":
        axes = given.get("axes") if not options else options[0]
        return [np.squeeze(values, None if axes is None else tuple(int(axis) for axis in axes))]
    if kind == "Unsqueeze":
        return [
            np.expand_dims(
                values, tuple(int(axis) for axis in given.get("axes", options[0] if options else ()))
            )
        ]
    if kind == "DepthToSpace":
        return [_to_space(values, given["blocksize"], given.get("mode", b"DCR"))]
    if kind == "Pad":
        return [_pad(values, given, options, fill)]
    return [_enlarge(values, given, options)]


def _given(options: Sequence[Array | None]) -> Array:
    if not options or options[0] is None:
        raise ValueError("its shape is no constant")
    return options[0]


def _to_space(values: Array, block: int, mode: bytes) -> Array:
    batch, channels, height, width = values.shape
    kept = channels // block**2
    if mode == b"DCR":
        parts = values.reshape(batch, block, block, kept, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = values.reshape(batch, kept, block, block, height, width).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(batch, kept, height * block, width * block)


def _pad(values: Array, given: Mapping[str, Any], options: Sequence[Array | None], fill: float) -> Array:
    if given.get("mode", b"constant") != b"constant" or (len(options) > 2 and options[2] is not None):
        raise ValueError("it pads otherwise than by a constant along all axes")
    value = options[1] if len(options) > 1 and options[1] is not None else given.get("value", 0.0)
    pads = options[0] if options and options[0] is not None else given.get("pads")
    if pads is None or np.any(np.asarray(value) != 0) or min(pads) < 0:
        raise ValueError("it pads otherwise than with zeros")
    if (
        np.prod(
            [side + sum(pads[axis :: values.ndim]) for axis, side in enumerate(values.shape)], dtype=float
        )
        > MAX_NUMBERS
    ):
        raise ValueError(f"it makes more than {MAX_NUMBERS:,} numbers of one picture")
    around = np.asarray(pads, int).reshape(2, -1).T
    return np.pad(values, around, constant_values=fill)


def _enlarge(values: Array, given: Mapping[str, Any], options: Sequence[Array | None]) -> Array:
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
    if how not in ((b"asymmetric", b"floor"), (b"half_pixel", b"round_prefer_floor")) and given.keys() & {
        "nearest_mode"
    }:
        raise ValueError("it enlarges by other coordinates than the nearest neighbour's")
    if values.size * float(np.prod(wanted)) > MAX_NUMBERS:
        raise ValueError(f"it makes more than {MAX_NUMBERS:,} numbers of one picture")
    for axis, times in enumerate(wanted.astype(int)):
        values = np.repeat(values, times, axis=axis)
    return values

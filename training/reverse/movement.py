"""Gradients of operators that move numbers, put them together, or sum them up."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from foundation.grid.movement import read_attributes
from training.errors import ExportError
from training.reverse.backward import Backward
from training.reverse.elements import Gradients, Rule


def _reshape(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Back to the shape that it had."""
    return {0: back.reshape(gradients[0], back.shape(node.input[0]))}


def _transpose(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    order = read_attributes(node).get("perm") or list(range(len(back.shape(node.input[0])) + 1))[::-1]
    return {0: back.add("Transpose", gradients[0], perm=np.argsort(order).tolist())}


def _concatenate(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    axis = read_attributes(node)["axis"] % (len(back.shape(node.output[0])) + 1)
    sizes = []
    for name in node.input:
        held = back.constant(name)
        sizes.append(back.shape(name)[axis - 1] if held is None else held.shape[axis])
    parts = back.add_many("Split", [gradients[0], back.hold(sizes, np.int64)], len(sizes), axis=axis)
    return {place: parts[place] for place, name in enumerate(node.input) if name in back.moving}


def _split(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    axis = read_attributes(node).get("axis", 0)
    return {0: back.add("Concat", *gradients, axis=axis)}


def _pad(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Without what was put around."""
    small, large = back.shape(node.input[0]), back.shape(node.output[0])
    pads = back.constant(node.input[1]) if len(node.input) > 1 else None
    if pads is None or len(node.input) > 3 or read_attributes(node).get("mode", b"constant") != b"constant":
        raise ExportError(f"{back.graph.name(node)} pads otherwise than by a constant.")
    first = [int(pad) for pad in pads[1 : len(large) + 1]]
    last = [begin + side for begin, side in zip(first, small, strict=True)]
    bounds = [back.hold(each, np.int64) for each in (first, last, list(range(1, len(large) + 1)))]
    return {0: back.add("Slice", gradients[0], *bounds)}


def _slice(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """With zeros in the place of what was left out."""
    small, large = back.shape(node.output[0]), back.shape(node.input[0])
    first, _, axes, steps = (back.constant(name) for name in (*node.input[1:], "", "")[:4])
    rank = len(large) + 1
    if first is None or (steps is not None and (steps != 1).any()):
        raise ExportError(f"{back.graph.name(node)} takes what does not lie side by side.")
    begins = [0] * rank
    for axis, begin in zip(range(rank) if axes is None else axes, first, strict=False):
        side = (0, *large)[int(axis) % rank]
        begins[int(axis) % rank] = int(max(begin + side, 0) if begin < 0 else min(begin, side))
    left = [of - begin - kept for of, begin, kept in zip(large, begins[1:], small, strict=True)]
    return {0: back.add("Pad", gradients[0], back.hold([*begins, 0, *left], np.int64))}


def _sum(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Of sums and means: the same for all that went in."""
    given, large = read_attributes(node), back.shape(node.input[0])
    axes = back.constant(node.input[1]) if len(node.input) > 1 else given.get("axes")
    if axes is None:
        raise ExportError(f"{back.graph.name(node)} sums up whole batches.")
    along = {int(axis) % (len(large) + 1) for axis in axes}
    kept = tuple(1 if axis in along else side for axis, side in enumerate(large, 1))
    gradient = gradients[0] if given.get("keepdims", 1) else back.reshape(gradients[0], kept)
    if node.op_type == "ReduceMean":
        count = float(np.prod([side for axis, side in enumerate(large, 1) if axis in along]))
        gradient = back.add("Mul", gradient, back.hold(1.0 / count))
    return {0: back.add("Expand", gradient, back.hold([1, *large], np.int64))}


def _to_space(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    given, (channels, height, width) = read_attributes(node), back.shape(node.input[0])
    block, kept = given["blocksize"], channels // given["blocksize"] ** 2
    rows = back.reshape(gradients[0], (kept, height, block, width, block))
    order = [0, 3, 5, 1, 2, 4] if given.get("mode", b"DCR") == b"DCR" else [0, 1, 3, 5, 2, 4]
    return {0: back.reshape(back.add("Transpose", rows, perm=order), (channels, height, width))}


def _enlarge(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Of each picture element drawn several times: the sum over them."""
    small, large = back.shape(node.input[0]), back.shape(node.output[0])
    times = [after // before for before, after in zip(small, large, strict=True)]
    whole = all(before * time == after for before, after, time in zip(small, large, times, strict=True))
    if read_attributes(node).get("mode", b"nearest") != b"nearest" or times[:1] != [1] or not whole:
        raise ExportError(f"{back.graph.name(node)} enlarges otherwise than a whole number of times.")
    window = times[1:]
    means = back.add("AveragePool", gradients[0], kernel_shape=window, strides=window)
    return {0: back.add("Mul", means, back.hold(float(np.prod(window))))}


MOVEMENT: Mapping[str, Rule] = {
    "Concat": _concatenate,
    "DepthToSpace": _to_space,
    "Flatten": _reshape,
    "Pad": _pad,
    "ReduceMean": _sum,
    "ReduceSum": _sum,
    "Reshape": _reshape,
    "Resize": _enlarge,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _reshape,
    "Upsample": _enlarge,
}

"""What an exact graph means: a NumPy evaluator in int64, written for the tests, of no code that is tested.

A tensor is a pair (whole, t): whole numbers int64 and one t, that say whole · 2⁻ᵗ. Nothing is rounded but by
Round, and nothing is a float but what comes in, and the end, where each number goes its own way through tanh.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.exact.quotients import average, is_ratio, on_ratios
from tests.exact.whole_numbers import align, known, reduce, round_half_even, small, to_grid


def draw_integers(graph: bytes, feeds):
    """The pictures of `feeds` (n, …): uint8 (n, h, w, c)."""
    model = onnx.load_model_from_string(graph)
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    values = {name: ("float", np.asarray(array, np.float64)) for name, array in feeds.items()}
    for node in model.graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        inputs = [values[name] if name in values else constants.get(name) for name in node.input]
        if is_ratio(*inputs) or (node.op_type == "Div" and not isinstance(inputs[0][0], str)):
            outputs = [on_ratios(node.op_type, inputs)]
        else:
            outputs = evaluate(node.op_type, inputs, attributes, len(node.output))
        values.update(zip(node.output, outputs, strict=True))
    return values["image"][1]


def evaluate(kind, inputs, attributes, outputs):
    first = inputs[0]
    tag = first[0] if isinstance(first, tuple) and isinstance(first[0], str) else None
    if kind == "Concat" and tag:
        return [(tag, np.concatenate([array for _, array in inputs], attributes["axis"]))]
    if tag == "float":
        return on_floats(kind, first[1], inputs, attributes, outputs)
    if tag == "levels" and kind == "Cast":
        return [("float", first[1].astype(np.float64))]
    if tag == "levels":
        return [("levels", array) for array in move(kind, first[1], inputs, attributes, outputs)]
    if kind in ("Tanh", "Sigmoid", "Cast"):
        return on_floats(kind, np.ldexp(first[0].astype(np.float64), -first[1]), inputs, attributes, outputs)
    if kind in SUMS:
        return [SUMS[kind](kind, inputs, attributes)]
    if kind in ("Relu", "LeakyRelu"):
        return [leak(first, Fraction(float(np.float32(attributes.get("alpha", 0.0)))))]
    if kind == "Round":
        return [(round_half_even(*first), 0)]
    if kind in ("Clip", "Max", "Min"):
        return [bound(kind, first, inputs[1:])]
    return [(array, first[1]) for array in move(kind, first[0], inputs, attributes, outputs)]


def join(kind, inputs, attributes):
    finest = max(t for _, t in inputs)
    return np.concatenate([whole << (finest - t) for whole, t in inputs], attributes["axis"]), finest


def add(kind, inputs, attributes):
    one, other, t = align(*inputs)
    return small(one + other if kind == "Add" else one - other), t


def scale(kind, inputs, attributes):
    (one, t), (other, u) = known(inputs[0]), known(inputs[1])
    return reduce((small(one * other), t + u))


def total(kind, inputs, attributes):
    whole, t = inputs[0]
    return small(whole.sum(tuple(inputs[1]), keepdims=bool(attributes.get("keepdims", 1)))), t


def leak(value, slope):
    whole, t = value
    places = slope.denominator.bit_length() - 1
    return small(np.where(whole > 0, whole << places, whole * slope.numerator)), t + places


def bound(kind, value, ends):
    low, high = {"Clip": ends, "Max": [ends[0], None], "Min": [None, ends[0]]}[kind]
    for end, choose in ((low, np.maximum), (high, np.minimum)):
        if end is not None:
            one, other, t = align(value, end)
            value = (choose(one, other), t)
    return value


def multiply(kind, inputs, attributes):
    (whole, t), (weights, u) = inputs[0], to_grid(inputs[1])
    if kind == "Gemm":
        one, other, finest = align(
            (small(whole @ (weights.T if attributes["transB"] else weights)), t + u), inputs[2]
        )
        return reduce((small(one + other), finest))
    if kind == "MatMul":
        return reduce((small(whole @ weights), t + u))
    down, right = weights.shape[2:]
    assert attributes.get("strides", [1, 1]) == [1, 1]
    assert attributes.get("dilations", [1, 1]) == [1, 1]
    top, left, bottom, end = attributes["pads"]
    padded = np.pad(whole, ((0, 0), (0, 0), (top, bottom), (left, end)))
    height, width = padded.shape[2] - down + 1, padded.shape[3] - right + 1
    groups = attributes.get("group", 1)
    parts = []
    for each, kernel in zip(np.split(padded, groups, 1), np.split(weights, groups, 0), strict=True):
        total: Any = 0
        for row in range(down):
            for column in range(right):
                seen = each[:, :, row : row + height, column : column + width]
                # As float64, in whose 53 bits every sum that is proven for 24 is exact, for speed.
                total = total + np.einsum(
                    "nihw,oi->nohw",
                    seen.astype(np.float64),
                    kernel[:, :, row, column].astype(np.float64),
                    optimize=True,
                )
        parts.append(small(np.rint(total).astype(np.int64)))
    total = np.concatenate(parts, 1)
    if len(inputs) > 2:
        one, other, finest = align((total, t + u), np.asarray(inputs[2]).reshape(1, -1, 1, 1))
        return reduce((small(one + other), finest))
    return reduce((total, t + u))


SUMS = {
    "Concat": join,
    "Add": add,
    "Sub": add,
    "AveragePool": average,
    "Gemm": multiply,
    "Mul": scale,
    "MatMul": multiply,
    "Conv": multiply,
    "ReduceSum": total,
}


def move(kind, array, inputs, attributes, outputs):
    if kind == "Reshape":
        return [
            array.reshape([array.shape[at] if size == 0 else int(size) for at, size in enumerate(inputs[1])])
        ]
    if kind == "Transpose":
        return [array.transpose(attributes["perm"])]
    if kind == "Identity":
        return [array]
    if kind == "Resize":
        assert attributes["coordinate_transformation_mode"] == b"asymmetric"
        for axis, times in enumerate(inputs[2].astype(int)):
            array = array.repeat(times, axis)
        return [array]
    if kind == "Split":
        axis = attributes.get("axis", 0)
        if len(inputs) > 1:
            return np.split(array, np.cumsum(inputs[1])[:-1], axis)
        return np.split(array, outputs, axis)
    raise AssertionError(f"{kind} has no meaning here")


def on_floats(kind, array, inputs, attributes, outputs):
    """Inputs before they are rounded, and what is behind tanh: each number by itself, in float64."""
    if kind == "Round":
        return [(np.clip(np.rint(array), -(2.0**52), 2.0**52).astype(np.int64), 0)]
    if kind == "Cast":
        return [("levels", array.astype(np.uint8))]
    if kind == "Tanh":
        return [("float", np.tanh(array))]
    if kind == "Sigmoid":
        return [("float", 1 / (1 + np.exp(-array)))]
    if kind in ("Add", "Sub", "Mul", "Div"):
        other = np.asarray(inputs[1], np.float64)
        return [
            (
                "float",
                {"Add": array + other, "Sub": array - other, "Mul": array * other, "Div": array / other}[
                    kind
                ],
            )
        ]
    if kind == "Clip":
        return [("float", np.clip(array, *inputs[1:]))]
    return [("float", each) for each in move(kind, array, inputs, attributes, outputs)]

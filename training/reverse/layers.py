"""Gradients of layers by what goes into them, their weights constant.

That of a convolution which moves by one is a convolution with the kernel turned round, which ONNX Runtime
computes many times faster than a transposed one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from foundation.grid.movement import read_attributes
from training.errors import ExportError
from training.reverse.backward import Backward, Shape
from training.reverse.elements import Gradients, Rule

PLANES = 2
"""The sides of a picture: layers of other dimensions are not known."""


def _multiply(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    weights = _read_weights(back, node)
    return {0: back.add("MatMul", gradients[0], back.hold(np.swapaxes(weights, -1, -2)))}


def _multiply_add(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    weights, given = _read_weights(back, node), read_attributes(node)
    if given.get("transA", 0):
        raise ExportError(f"{back.graph.name(node)} has its pictures beside each other.")
    turned = weights if given.get("transB", 0) else weights.T
    return {0: back.add("MatMul", gradients[0], back.hold(given.get("alpha", 1.0) * turned))}


def _convolve(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    weights, given = _read_weights(back, node), read_attributes(node)
    kernel, sides = weights.shape[2:], back.shape(node.input[0])[1:]
    strides, dilations = _numbers(given, "strides"), _numbers(given, "dilations")
    pads, groups = find_pads(given, kernel, sides), given.get("group", 1)
    reach = [dilation * (size - 1) for dilation, size in zip(dilations, kernel, strict=True)]
    around = [reach[at % PLANES] - pad for at, pad in enumerate(pads)]
    if max(strides) == 1 and min(around) >= 0:
        outputs, inputs = weights.shape[:2]
        parts = weights.reshape(groups, outputs // groups, inputs, *kernel)
        turned = parts.swapaxes(1, 2)[..., ::-1, ::-1].reshape(groups * inputs, outputs // groups, *kernel)
        attributes = {"pads": around, "dilations": dilations, "group": groups}
        return {0: back.add("Conv", gradients[0], back.hold(turned), **attributes)}
    answered = back.shape(node.output[0])[1:]
    more = [
        sides[at] - (strides[at] * (answered[at] - 1) + reach[at] + 1 - pads[at] - pads[at + PLANES])
        for at in range(PLANES)
    ]
    attributes = {"strides": strides, "dilations": dilations, "group": groups}
    attributes |= {"pads": pads, "output_padding": more}
    return {0: back.add("ConvTranspose", gradients[0], back.hold(weights), **attributes)}


def _spread(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Of a transposed convolution: the convolution that it is the transpose of."""
    weights, given = _read_weights(back, node), read_attributes(node)
    kernel = weights.shape[2:]
    strides, dilations = _numbers(given, "strides"), _numbers(given, "dilations")
    small, large = back.shape(node.input[0])[1:], back.shape(node.output[0])[1:]
    pads = [int(pad) for pad in given.get("pads", [0] * 2 * PLANES)]
    if given.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in given:
        raise ExportError(f"{back.graph.name(node)} is padded by a word.")
    for at in range(PLANES):  # what was put beside the output is read past its end
        reach = strides[at] * (small[at] - 1) + dilations[at] * (kernel[at] - 1) + 1
        pads[at + PLANES] = reach - large[at] - pads[at]
    gradient = gradients[0]
    cut = [max(0, -pads[at + PLANES]) for at in range(PLANES)]
    if any(cut):
        ends = [side - less for side, less in zip(large, cut, strict=True)]
        bounds = (back.hold([0, 0], np.int64), back.hold(ends, np.int64), back.hold([2, 3], np.int64))
        gradient = back.add("Slice", gradient, *bounds)
        pads = [max(0, pad) for pad in pads]
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "group": given.get("group", 1)}
    return {0: back.add("Conv", gradient, back.hold(weights), **attributes)}


def _average(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
    """Of means over windows: each picture element has its share of every window that it lies in."""
    given = read_attributes(node)
    kernel, sides = given["kernel_shape"], back.shape(node.input[0])[1:]
    strides, pads = _numbers(given, "strides"), find_pads(given, kernel, sides)
    if len(kernel) != PLANES or given.get("ceil_mode", 0) or _numbers(given, "dilations") != [1, 1]:
        raise ExportError(f"{back.graph.name(node)} has windows that are not known.")
    answered = back.shape(node.output[0])[1:]
    counts = np.full(answered, float(np.prod(kernel)))
    if not given.get("count_include_pad", 0):
        counts = _count_inside(sides, kernel, strides, pads, answered)
    share = back.add("Mul", gradients[0], back.hold(1.0 / counts[None, None]))
    if max(strides) == 1:
        around = [kernel[at % PLANES] - 1 - pad for at, pad in enumerate(pads)]
        means = back.add("AveragePool", share, kernel_shape=kernel, pads=around, count_include_pad=1)
        return {0: back.add("Mul", means, back.hold(float(np.prod(kernel))))}
    channels = back.shape(node.input[0])[0]
    more = [
        sides[at] - (strides[at] * (answered[at] - 1) + kernel[at] - pads[at] - pads[at + PLANES])
        for at in range(PLANES)
    ]
    ones = back.hold(np.ones((channels, 1, *kernel)))
    attributes = {"strides": strides, "pads": pads, "output_padding": more, "group": channels}
    return {0: back.add("ConvTranspose", share, ones, **attributes)}


def _count_inside(
    sides: Shape, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], answered: Shape
) -> NDArray[np.float64]:
    """How many elements of each window lie in the picture: float64 (h, w)."""
    lines = []
    for at in range(PLANES):
        first = strides[at] * np.arange(answered[at]) - pads[at]
        lines.append(np.minimum(first + kernel[at], sides[at]) - np.maximum(first, 0))
    return np.outer(*lines).astype(np.float64)


def find_pads(given: Mapping[str, Any], kernel: Sequence[int], sides: Shape) -> list[int]:
    """How much is put around a picture of `sides`: top, left, bottom, right (ONNX, "Conv")."""
    word = given.get("auto_pad", b"NOTSET")
    if word in (b"NOTSET", b"VALID"):
        return list(given.get("pads", [0] * 2 * PLANES))
    strides, dilations = _numbers(given, "strides"), _numbers(given, "dilations")
    before, after = [], []
    for at in range(PLANES):
        answered = -(-sides[at] // strides[at])
        whole = max(0, strides[at] * (answered - 1) + dilations[at] * (kernel[at] - 1) + 1 - sides[at])
        less, more = whole // 2, whole - whole // 2
        before.append(less if word == b"SAME_UPPER" else more)
        after.append(more if word == b"SAME_UPPER" else less)
    return before + after


def _numbers(given: Mapping[str, Any], name: str) -> list[int]:
    """One for each side of a picture; 1 where nothing is said."""
    return list(given.get(name, [1] * PLANES))


def _read_weights(back: Backward, node: onnx.NodeProto) -> NDArray[Any]:
    weights = back.constant(node.input[1])
    pictures = node.op_type in ("Conv", "ConvTranspose")
    if weights is None or node.input[0] not in back.moving or (pictures and weights.ndim != 2 + PLANES):
        raise ExportError(f"{back.graph.name(node)}: its weights are no constants, or not of pictures.")
    return weights


LAYERS: Mapping[str, Rule] = {
    "AveragePool": _average,
    "Conv": _convolve,
    "ConvTranspose": _spread,
    "Gemm": _multiply_add,
    "MatMul": _multiply,
}

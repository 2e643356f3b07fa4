"""The operators of placed graphs in TensorFlow: what is rounded passes gradients on as if it were not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import tensorflow as tf

from foundation.grid.movement import read_attributes
from foundation.grid.reading import Graph
from training.errors import ExportError

Attributes = Mapping[str, Any]
Values = Sequence[tf.Tensor]


def round_through(values: tf.Tensor) -> tf.Tensor:
    """Round half to even; the gradient is that of the identity (Bengio et al., 2013, "straight-through")."""
    return values + tf.stop_gradient(tf.round(values) - values)


def run_graph(
    graph: Graph, weights: Mapping[str, tf.Tensor], feeds: Mapping[str, tf.Tensor], end: str
) -> tf.Tensor:
    """What the tensor `end` comes to for `feeds` (n, …), with `weights` in place of the constants so called.

    Raises:
        ExportError: an operator has no gradient here.
    """
    found: dict[str, Any] = {**graph.constants, **weights, **feeds}
    for node in graph.nodes:
        if end in found:
            break
        inputs = [found[name] if name else None for name in node.input if not name or name in found]
        if len(inputs) != len(node.input):
            raise ExportError(f"{graph.name(node)}: its inputs are not known.")
        outputs = _run(graph, node, inputs)
        found.update(zip(node.output, outputs, strict=True))
    return found[end]


def _run(graph: Graph, node: onnx.NodeProto, inputs: list[Any]) -> list[tf.Tensor]:
    given = read_attributes(node)
    if node.op_type == "Split":
        sizes = [int(size) for size in inputs[1]] if len(inputs) > 1 else len(node.output)
        return list(tf.split(inputs[0], sizes, axis=given.get("axis", 0)))
    if node.op_type not in _OPERATORS:
        raise ExportError(f"{graph.name(node)} cannot be trained on the grid.")
    return [_OPERATORS[node.op_type](inputs, given)]


def _convolve(inputs: Values, given: Attributes) -> tf.Tensor:
    planes, kernel, *bias = inputs
    top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
    pixels = tf.pad(tf.transpose(planes, (0, 2, 3, 1)), ((0, 0), (top, bottom), (left, right), (0, 0)))
    groups = given.get("group", 1)
    kernel = tf.transpose(kernel, (2, 3, 1, 0))  # (h, w, in of a group, out)
    parts = [
        tf.nn.conv2d(
            seen, weights, given.get("strides", [1, 1]), "VALID", dilations=given.get("dilations", [1, 1])
        )
        for seen, weights in zip(tf.split(pixels, groups, 3), tf.split(kernel, groups, 3), strict=True)
    ]
    answered = tf.concat(parts, 3) if groups > 1 else parts[0]
    return tf.transpose(answered + (bias[0] if bias else 0.0), (0, 3, 1, 2))


def _spread(inputs: Values, given: Attributes) -> tf.Tensor:
    """A ConvTranspose, of one group and without dilation, its padding numbers."""
    planes, kernel, *bias = inputs
    if given.get("group", 1) != 1 or given.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise ExportError("A ConvTranspose of groups, or padded by a word, cannot be trained on the grid.")
    strides, more = given.get("strides", [1, 1]), given.get("output_padding", [0, 0])
    top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
    pixels = tf.transpose(planes, (0, 2, 3, 1))
    kernel = tf.transpose(kernel, (2, 3, 1, 0))  # (h, w, out, in)
    sides = [
        strides[axis] * (pixels.shape[axis + 1] - 1) + kernel.shape[axis] + more[axis] for axis in range(2)
    ]
    shape = [tf.shape(pixels)[0], *sides, kernel.shape[2]]
    answered = tf.nn.conv2d_transpose(pixels, kernel, shape, strides, "VALID")
    answered = answered[:, top : sides[0] - bottom, left : sides[1] - right]
    return tf.transpose(answered + (bias[0] if bias else 0.0), (0, 3, 1, 2))


def _to_space(inputs: Values, given: Attributes) -> tf.Tensor:
    if given.get("mode", b"DCR") != b"DCR":
        raise ExportError("A DepthToSpace of rows first cannot be trained on the grid.")
    pixels = tf.nn.depth_to_space(tf.transpose(inputs[0], (0, 2, 3, 1)), given["blocksize"])
    return tf.transpose(pixels, (0, 3, 1, 2))


def _enlarge(inputs: Values, given: Attributes) -> tf.Tensor:
    """Each number a whole number of times, as often along each axis as `scales` says."""
    if given.get("mode", b"nearest") != b"nearest" or len(inputs) != 3:
        raise ExportError("A Resize otherwise than by scales, to the nearest, cannot be trained on the grid.")
    values = inputs[0]
    for axis, times in enumerate(np.asarray(inputs[2]).astype(int)):
        values = tf.repeat(values, times, axis) if times > 1 else values
    return values


def _reshape(inputs: Values, given: Attributes) -> tf.Tensor:  # noqa: ARG001 - called as all are
    sizes = [
        inputs[0].shape[at] if size == 0 and at else int(size)
        for at, size in enumerate(np.asarray(inputs[1]))
    ]
    return tf.reshape(inputs[0], [-1, *sizes[1:]])


def _sum(inputs: Values, given: Attributes) -> tf.Tensor:
    axes = [int(axis) for axis in np.asarray(inputs[1])]
    return tf.reduce_sum(inputs[0], axes, keepdims=bool(given.get("keepdims", 1)))


def _average(inputs: Values, given: Attributes) -> tf.Tensor:
    """The mean of neighbours, of those that there are unless `count_include_pad`."""
    top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
    pixels = tf.transpose(inputs[0], (0, 2, 3, 1))
    around = ((0, 0), (top, bottom), (left, right), (0, 0))

    def pool(values: tf.Tensor) -> tf.Tensor:
        return tf.nn.avg_pool2d(
            tf.pad(values, around), given["kernel_shape"], given.get("strides", [1, 1]), "VALID"
        )

    mean = pool(pixels)
    if not given.get("count_include_pad", 0):
        mean /= pool(tf.ones_like(pixels[:1, :, :, :1]))
    return tf.transpose(mean, (0, 3, 1, 2))


def _multiply(inputs: Values, given: Attributes) -> tf.Tensor:
    rows = tf.matmul(inputs[0], inputs[1], transpose_b=bool(given.get("transB", 0)))
    return rows + inputs[2] if len(inputs) > 2 else rows


_OPERATORS: Mapping[str, Callable[[Any, Attributes], tf.Tensor]] = {
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "AveragePool": _average,
    "Clip": lambda inputs, _: tf.clip_by_value(inputs[0], inputs[1], inputs[2]),
    "Concat": lambda inputs, given: tf.concat(inputs, given["axis"]),
    "Conv": _convolve,
    "ConvTranspose": _spread,
    "DepthToSpace": _to_space,
    "Gemm": _multiply,
    "Identity": lambda inputs, _: inputs[0],
    "LeakyRelu": lambda inputs, given: tf.nn.relu(inputs[0]) - given["alpha"] * tf.nn.relu(-inputs[0]),
    "MatMul": lambda inputs, _: tf.matmul(inputs[0], inputs[1]),
    "Max": lambda inputs, _: tf.maximum(inputs[0], inputs[1]),
    "Min": lambda inputs, _: tf.minimum(inputs[0], inputs[1]),
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "ReduceSum": _sum,
    "Relu": lambda inputs, _: tf.nn.relu(inputs[0]),
    "Reshape": _reshape,
    "Resize": _enlarge,
    "Round": lambda inputs, _: round_through(inputs[0]),
    "Sigmoid": lambda inputs, _: tf.sigmoid(inputs[0]),
    "Sub": lambda inputs, _: inputs[0] - inputs[1],
    "Tanh": lambda inputs, _: tf.tanh(inputs[0]),
    "Transpose": lambda inputs, given: tf.transpose(inputs[0], given["perm"]),
}

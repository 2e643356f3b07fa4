"""What a graph must be before it is walked along: each name says one thing, and each attribute is known."""

from collections import Counter
from collections.abc import Mapping

import onnx
from onnx import TensorProto

_SIDES = ("kernel_shape", "pads", "strides", "dilations", "auto_pad")
KNOWN: Mapping[str, tuple[str, ...]] = {
    "AveragePool": (*_SIDES, "ceil_mode", "count_include_pad"),
    "Cast": ("to", "saturate", "round_mode"),
    "Concat": ("axis",),
    "Conv": (*_SIDES, "group"),
    "ConvTranspose": (*_SIDES, "group", "output_padding", "output_shape"),
    "DepthToSpace": ("blocksize", "mode"),
    "Flatten": ("axis",),
    "Gemm": ("alpha", "beta", "transA", "transB"),
    "LeakyRelu": ("alpha",),
    "Pad": ("mode", "pads", "value"),
    "ReduceSum": ("axes", "keepdims", "noop_with_empty_axes"),
    "Reshape": ("allowzero",),
    "Resize": (
        "coordinate_transformation_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "mode",
        "nearest_mode",
    ),
    "Split": ("axis", "split", "num_outputs"),
    "Squeeze": ("axes",),
    "Transpose": ("perm",),
    "Unsqueeze": ("axes",),
    "Upsample": ("mode", "scales"),
}
"""What is looked at of each operator, here or where it is followed; of others nothing."""


def check_attributes(node: onnx.NodeProto) -> None:
    """Refuse what a node says beside what is looked at.

    Raises:
        ValueError: it has an attribute that is not looked at, or one twice.
    """
    names = [each.name for each in node.attribute]
    if len(set(names)) != len(names):
        raise ValueError("it has an attribute twice")
    for name in names:
        if name not in KNOWN.get(node.op_type, ()):
            raise ValueError(f"its attribute {name[:40]} is not looked at")


def check_graph(graph: onnx.GraphProto) -> None:
    """Refuse a graph of which engines may read something else than what is looked at.

    Raises:
        ValueError: a name is given twice, a weight lies elsewhere, or an input has no known size.
    """
    if graph.sparse_initializer:
        raise ValueError("it has sparse weights, which are not looked at")
    given = [each.name for each in (*graph.input, *graph.initializer)]
    given += [name for node in graph.node for name in node.output if name]
    twice = next((name for name, times in Counter(given).items() if times > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is the name of two tensors")
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise ValueError(f"{tensor.name} lies outside the graph")
    for value in graph.input:
        kind = value.type.tensor_type
        if kind.elem_type != TensorProto.FLOAT:
            raise ValueError(f"its input {value.name} is not of float32")
        if any(side.dim_value < 1 for side in kind.shape.dim[1:]):
            raise ValueError(f"its input {value.name} has sides of no known size")

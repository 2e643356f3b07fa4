"""How much memory a graph's tensors take for a picture, told from their shapes before anything is run."""

import math
from collections.abc import Mapping

import onnx
from onnx import TensorProto

from foundation.errors import ReleaseRefused
from foundation.graphs.value_sizes import refuse_value_sizes

MAX_TENSOR_BYTES = 2**31
"""Of all tensors that are needed at one time for one picture, weights not counted."""
MAX_GROWTH = 1.5
"""A batch may take this times what its pictures take one by one, and a little more."""
_SLACK_BYTES = 2**26
_ROWS = 8
_MAX_VECTOR = 64
"""Constants with more numbers say nothing about shapes: they are not looked into."""
_MAX_DIMENSIONS = 10_000_000
"""Of all shapes together, at worst: beyond this, telling them is no longer cheap."""


Inputs = Mapping[str, tuple[int, ...]]
"""The dimensions of each input but its first, which is the batch."""


def check_memory(model: onnx.ModelProto, inputs: Inputs, reference: str, path: str) -> bool:
    """Refuse a graph whose tensors are too large; whether the shapes of all of them could be told.

    Where they could not, the graph must be tried (`foundation.graphs.trial`) before it is opened: loops,
    functions, operators of ONNX Runtime's own, and shapes so long that telling them would itself cost much.

    Raises:
        ReleaseRefused: a picture takes more memory than it may, a batch takes more than its pictures, or
            the sizes follow the numbers that the graph is given, which no trial could tell.
    """
    try:
        if _is_told(model, inputs, reference, path):
            return True
    except ReleaseRefused:
        raise
    except Exception:  # noqa: S110 - onnx's errors share no class; what it cannot tell is tried
        pass
    refuse_value_sizes(model, reference, path)
    return False


def _is_told(model: onnx.ModelProto, inputs: Inputs, reference: str, path: str) -> bool:
    if not _is_cheap(model):
        return False
    one, told = _measure(model, inputs, 1)
    if one > MAX_TENSOR_BYTES:
        raise ReleaseRefused(
            f"{reference}: {path} would take {one:,} bytes of memory for one picture, and "
            f"{MAX_TENSOR_BYTES:,} are allowed."
        )
    if not told:
        return False
    many, told = _measure(model, inputs, _ROWS)
    if many > MAX_GROWTH * _ROWS * one + _SLACK_BYTES:
        raise ReleaseRefused(
            f"{reference}: {path} would take {one:,} bytes of memory for one picture and {many:,} for "
            f"{_ROWS}: it grows faster than its batch."
        )
    return told


def _is_cheap(model: onnx.ModelProto) -> bool:
    """Whether telling the shapes is bounded: how long they can become at worst, times how many there are."""
    if model.functions:
        return False
    lengths = {tensor.name: _count(tensor) for tensor in model.graph.initializer}
    raised = longest = 0
    for node in model.graph.node:
        numbers = [len(each.ints) + len(each.floats) + len(each.strings) for each in node.attribute]
        if max(numbers, default=0) > _MAX_VECTOR or any(
            each.graphs or each.HasField("g") for each in node.attribute
        ):
            return False
        known = [min(lengths.get(name, 1), _MAX_VECTOR + 1) if name in lengths else 1 for name in node.input]
        if node.op_type == "Unsqueeze":
            raised += max([*numbers, *known[1:]], default=1)
        if node.op_type == "Concat":
            length = sum(known)
        elif node.op_type in ("Shape", "Constant"):
            length = _MAX_VECTOR
        else:
            length = max(known, default=1)
        lengths.update(dict.fromkeys(node.output, length))
        longest = max(longest, length)
    return (longest + raised) * len(model.graph.node) <= _MAX_DIMENSIONS


def _measure(model: onnx.ModelProto, inputs: Inputs, rows: int) -> tuple[int, bool]:
    """The most bytes that are in use at one time, as far as they can be told, and whether all can."""
    skeleton = _strip(model, inputs, rows)
    peak_bytes, told = 0, False
    for follow_values in (False, True):  # what shapes alone tell comes first: it is cheaper
        try:
            graph = onnx.shape_inference.infer_shapes(skeleton, data_prop=follow_values).graph
        except Exception:
            return peak_bytes, False
        sizes = {value.name: _size_of(value) for value in (*graph.value_info, *graph.output)}
        outputs = [name for node in graph.node for name in node.output if name]
        peak_bytes = max(peak_bytes, _find_peak(graph, {name: sizes.get(name) or 0 for name in outputs}))
        told = all(sizes.get(name) is not None for name in outputs)
        if told or peak_bytes > MAX_TENSOR_BYTES * rows:
            break
    return peak_bytes, told


def _strip(model: onnx.ModelProto, inputs: Inputs, rows: int) -> onnx.ModelProto:
    """The graph for `rows` pictures without its weights, of which only the shapes are left."""
    graph = model.graph
    known = {tensor.name for tensor in graph.initializer}
    given = [
        onnx.helper.make_tensor_value_info(
            tensor.name, tensor.type.tensor_type.elem_type, [rows, *inputs.get(tensor.name, ())]
        )
        for tensor in graph.input
        if tensor.name not in known
    ]
    kept = [tensor for tensor in graph.initializer if _count(tensor) <= _MAX_VECTOR]
    shapes = [
        onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        for tensor in graph.initializer
        if _count(tensor) > _MAX_VECTOR
    ]
    nodes = []
    for node in graph.node:
        value = next((each.t for each in node.attribute if each.name == "value"), None)
        if node.op_type == "Constant" and value is not None and _count(value) > _MAX_VECTOR and node.output:
            shapes.append(
                onnx.helper.make_tensor_value_info(node.output[0], value.data_type, list(value.dims))
            )
        else:
            nodes.append(node)
    outputs = [
        onnx.helper.make_tensor_value_info(tensor.name, tensor.type.tensor_type.elem_type, None)
        for tensor in graph.output
    ]  # what a file says of its output's shape is not taken for granted
    return onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "skeleton", [*given, *shapes], outputs, kept),
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )


def _find_peak(graph: onnx.GraphProto, sizes: Mapping[str, int]) -> int:
    """Bytes in the order of the nodes: each output counts from its making to its last use."""
    last_use = {name: index for index, node in enumerate(graph.node) for name in (*node.output, *node.input)}
    kept = {value.name for value in graph.output}
    leaving: dict[int, list[str]] = {}
    for name in sizes.keys() - kept:
        leaving.setdefault(last_use[name], []).append(name)
    now_bytes = peak_bytes = 0
    for index, node in enumerate(graph.node):
        now_bytes += sum(sizes[name] for name in node.output if name)
        peak_bytes = max(peak_bytes, now_bytes)
        now_bytes -= sum(sizes[name] for name in leaving.get(index, []))
    return peak_bytes


def _size_of(value: onnx.ValueInfoProto) -> int | None:
    """Bytes of a tensor, None unless all its dimensions are known."""
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape") or not kind.elem_type:
        return None
    sides = [side.dim_value if side.HasField("dim_value") else -1 for side in kind.shape.dim]
    return None if min(sides, default=0) < 0 else math.prod(sides) * _item_bytes(kind.elem_type)


def _item_bytes(kind: int) -> int:
    if kind == TensorProto.STRING:
        return 32
    return max(1, int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize))


def _count(tensor: TensorProto) -> int:
    """How many numbers a constant has."""
    return math.prod(tensor.dims)

"""What an exact graph does not need: bounds that come too late for a layer to take along, and idle steps.

None of it changes a number. A bound of whole numbers gives the same before a rounding as behind it, and
before what only moves numbers; straight behind a convolution ONNX Runtime makes it a part of that.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from foundation.grid.extents import LIMIT, Extent, clip_extent
from foundation.grid.movement import Array
from foundation.grid.reading import Graph
from foundation.grid.walk import Walk

_RESHAPES = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})
_EACH = frozenset({"Add", "Cast", "Clip", "Mul", "Round", "Sigmoid", "Sub", "Tanh"})


def trim(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with fewer steps."""
    trimmed = onnx.ModelProto()
    trimmed.CopyFrom(model)
    _drop_idle(trimmed)
    while _lift_bound(trimmed) or _join_summands(trimmed) or _drop_reshape(trimmed):
        pass
    _drop_unread(trimmed)
    return trimmed


def _drop_idle(model: onnx.ModelProto) -> None:
    """Leave out each bound that the proof shows to be never reached."""
    graph = Graph(model)
    walk, idle = Walk(graph), []
    for node in model.graph.node:
        if node.op_type in ("Clip", "Max", "Min") and _is_idle(walk, node):
            idle.append(node)
        walk.take(node)
    for node in idle:
        for reader in model.graph.node:
            for at, name in enumerate(reader.input):
                if name == node.output[0]:
                    reader.input[at] = node.input[0]
        model.graph.node.remove(node)


def _is_idle(walk: Walk, node: onnx.NodeProto) -> bool:
    source, extents = node.input[0], walk.extents
    if node.output[0] not in walk.graph.readers or source in walk.graph.constants:
        return False
    if source in walk.tails.known:
        points = walk.tails.known[source].points
        given = Extent(points[:, None], points[:, None], np.zeros((len(points), 1)))
    elif source in extents and not extents[source].is_any:
        given = extents[source]
    else:
        return False
    bounded = clip_extent(node, given, walk.graph.constants)
    return bool(np.array_equal(bounded.low, given.low) and np.array_equal(bounded.high, given.high))


def _lift_bound(model: onnx.ModelProto) -> bool:
    """Move one Clip by whole numbers a step nearer to the convolution that it comes from."""
    graph = Graph(model)
    for node in model.graph.node:
        before = graph.producers.get(node.input[0]) if node.op_type == "Clip" else None
        if before is None or before.op_type not in ("Round", "Transpose") or not _is_whole(graph, node):
            continue
        above = graph.producers.get(before.input[0])
        while above is not None and above.op_type in ("Round", "Transpose"):
            above = graph.producers.get(above.input[0])
        if above is None or above.op_type != "Conv" or len(graph.readers[before.output[0]]) != 1:
            continue
        if len(graph.readers[before.input[0]]) != 1:
            continue
        source, between, output = before.input[0], before.output[0], node.output[0]
        node.input[0], node.output[0] = source, between
        before.input[0], before.output[0] = between, output
        _swap(model, before, node)
        return True
    return False


def _is_whole(graph: Graph, node: onnx.NodeProto) -> bool:
    ends = [graph.constants.get(name) for name in node.input[1:]]
    return len(ends) == 2 and all(each is not None and np.all(each == np.rint(each)) for each in ends)


def _swap(model: onnx.ModelProto, first: onnx.NodeProto, second: onnx.NodeProto) -> None:
    """Let `second`, which came later, come where `first` was, and the other way round."""
    nodes = list(model.graph.node)
    places = [next(at for at, node in enumerate(nodes) if node is each) for each in (first, second)]
    copies = [onnx.NodeProto() for _ in places]
    for copy, each in zip(copies, (first, second), strict=True):
        copy.CopyFrom(each)
    first.CopyFrom(copies[1])
    second.CopyFrom(copies[0])


def _join_summands(model: onnx.ModelProto) -> bool:
    """Make one of two constants that are added one after the other."""
    graph = Graph(model)
    for node in model.graph.node:
        before = graph.producers.get(node.input[0]) if node.op_type in ("Add", "Sub") else None
        if before is None or before.op_type != "Add" or len(graph.readers[before.output[0]]) != 1:
            continue
        own, other = graph.constants.get(node.input[1]), graph.constants.get(before.input[1])
        if own is None or other is None or own.size != 1 or other.size != 1:
            continue
        summand = float(other.item()) + float(own.item()) * (1 if node.op_type == "Add" else -1)
        if np.float32(summand) != summand or abs(summand) > LIMIT:
            continue
        name = f"{node.output[0]}/summand"
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(summand, np.float32), name))
        node.op_type, node.input[0], node.input[1] = "Add", before.input[0], name
        model.graph.node.remove(before)
        return True
    return False


def _drop_reshape(model: onnx.ModelProto) -> bool:
    """Leave out a Reshape that another follows, with nothing in between that minds the shape."""
    graph = Graph(model)
    for node in model.graph.node:
        if node.op_type not in _RESHAPES or not _is_reshaped(graph, node.output[0]):
            continue
        for reader in graph.readers[node.output[0]]:
            reader.input[0] = node.input[0]
        model.graph.node.remove(node)
        return True
    return False


def _is_reshaped(graph: Graph, name: str) -> bool:
    readers = graph.readers.get(name, [])
    if len(readers) != 1:
        return False
    (node,) = readers
    if node.op_type == "Reshape":
        shape = graph.constants.get(node.input[1])
        return shape is not None and node.input[0] == name and not np.any(shape == 0)
    numbers: list[Array] = [graph.constants[each] for each in node.input if each in graph.constants]
    if node.op_type not in _EACH or len(graph.moving(node)) != 1 or any(each.ndim for each in numbers):
        return False
    return node.input[0] == name and _is_reshaped(graph, node.output[0])


def _drop_unread(model: onnx.ModelProto) -> None:
    read = {name for node in model.graph.node for name in node.input}
    kept = [each for each in model.graph.initializer if each.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)

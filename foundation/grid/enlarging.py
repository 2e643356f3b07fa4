"""Numbers that are each repeated, two by two, by copying and turning them: written as what it is, one Resize.

Keras enlarges with four copies of the channels that are put side by side as pixels. ONNX Runtime does it
faster, and on planes, so that nothing is turned to pixels and back.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundation.grid.movement import MOVERS, Array, move
from foundation.grid.reading import Graph
from foundation.grid.walk import Walk

_LEAST_NODES = 3
_SCALES = np.array([1, 1, 2, 2], np.float32)


def write_resizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same exact graph with a Resize wherever movers repeat each number of planes two by two."""
    walk = Walk(Graph(model))
    for node in model.graph.node:
        walk.take(node)
    sides = {name: extent.low.shape for name, extent in walk.extents.items()}
    written = onnx.ModelProto()
    written.CopyFrom(model)
    graph = Graph(model)
    found = False
    for node in written.graph.node:
        if node.op_type in MOVERS or len(node.output) != 1:
            continue
        for at, name in enumerate(node.input):
            source = _find_repeated(graph, name, sides)
            if source is not None:
                output = f"{name}/repeated"
                node.input[at] = output
                written.graph.node.append(_resize(source, output))
                found = True
    if not found:
        return model
    written.graph.initializer.append(numpy_helper.from_array(_SCALES, "repeated/scales"))
    return _clean(written)


def _find_repeated(graph: Graph, name: str, sides: Mapping[str, tuple[int, ...]]) -> str | None:
    """The planes that `name` repeats, if it does so by several movers."""
    chain: list[onnx.NodeProto] = []
    while (node := graph.producers.get(name)) is not None and node.op_type in MOVERS:
        moving = graph.moving(node)
        if len(set(moving)) != 1 or len(node.output) != 1 or any(each not in sides for each in moving):
            break
        chain.insert(0, node)
        name = moving[0]
        if len(chain) >= _LEAST_NODES and len(sides[name]) == 4 and _repeats(graph, chain, sides[name]):
            return name
    return None


def _repeats(graph: Graph, chain: list[onnx.NodeProto], shape: tuple[int, ...]) -> bool:
    places: Array = np.arange(int(np.prod(shape))).reshape(shape)
    moved = places
    for node in chain:
        (moved,) = move(node, [moved] * len(graph.moving(node)), graph.constants)
    return np.array_equal(moved, places.repeat(2, 2).repeat(2, 3))


def _resize(source: str, output: str) -> onnx.NodeProto:
    return helper.make_node(
        "Resize",
        [source, "", "repeated/scales"],
        [output],
        name=output,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every operator behind what it reads, and none that nothing reads."""
    graph = Graph(model)
    ordered: dict[str, onnx.NodeProto] = {}

    def visit(name: str) -> None:
        node = graph.producers.get(name)
        if node is None or node.output[0] in ordered:
            return
        for each in node.input:
            visit(each)
        ordered[node.output[0]] = node

    for output in model.graph.output:
        visit(output.name)
    read = {name for node in ordered.values() for name in node.input}
    cleaned = onnx.ModelProto()
    cleaned.CopyFrom(model)
    del cleaned.graph.node[:], cleaned.graph.initializer[:]
    cleaned.graph.node.extend(ordered.values())
    cleaned.graph.initializer.extend(each for each in model.graph.initializer if each.name in read)
    return cleaned

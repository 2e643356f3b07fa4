"""A generator and an enlarger as one graph: the levels that would have been served go into the second."""

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper
from onnx.compose import add_prefix

from foundation.graphs.opset import read_opset
from foundation.grid.movement import MOVERS
from foundation.grid.proof import NotExact, prove_exact
from foundation.manifest import ImageOutput
from training.errors import ExportError
from training.reverse.distance import find_cast

IMAGE = "image"


def join(generator: onnx.ModelProto, enlarger: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """Return the graph that draws, and then enlarges what would have been served; `side` is in its names.

    Raises:
        ExportError: the graphs are of two opsets, the generator's end is no cast to uint8, or it holds what
            cannot stand beside another graph.
    """
    opset, wanted = read_opset(generator), read_opset(enlarger)
    if opset != wanted:
        raise ExportError(f"The generator's graph is of opset {opset}: export it again with {wanted}.")
    prefix = f"enlarger{side}/"
    first, levels = leave_bytes(generator, f"{prefix}given")
    second = add_prefix(enlarger, prefix)
    rename(second.graph, {second.graph.input[0].name: levels, second.graph.output[0].name: IMAGE})
    sides = [each.dim_value for each in second.graph.output[0].type.tensor_type.shape.dim[1:]]
    graph = helper.make_graph(
        [*first.graph.node, *second.graph.node],
        "generator",
        first.graph.input,
        [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["batch", *sides])],
        [*first.graph.initializer, *second.graph.initializer],
    )
    joined = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", wanted)],
        ir_version=max(generator.ir_version, enlarger.ir_version),
        producer_name="ganymede",
    )
    try:
        onnx.checker.check_model(joined, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"The generator's graph cannot be joined: {str(error).strip()[:300]}") from error
    return joined


def check_generator(generator: onnx.ModelProto, image: ImageOutput, opset: int, *, exact: bool) -> None:
    """Refuse a generator with which no enlarger of `opset` could be joined, before one has learnt.

    Raises:
        ExportError: as `join`; or it says that it is `exact`, and is not.
    """
    sides = ["batch", image.height, image.width, image.channels]
    graph = helper.make_graph(
        [helper.make_node("Cast", ["levels"], [IMAGE], to=TensorProto.UINT8)],
        "levels",
        [helper.make_tensor_value_info("levels", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, sides)],
    )
    opsets = [helper.make_opsetid("", opset)]
    enlarger = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    join(generator, enlarger, 2 * max(image.height, image.width))
    if exact:
        check_exact(generator)


def leave_bytes(generator: onnx.ModelProto, given: str) -> tuple[onnx.ModelProto, str]:
    """Return a generator whose whole levels stay floats, and their name: `given` where none is free.

    Raises:
        ExportError: its end is not a cast to uint8 that is then at most moved about.
    """
    model = onnx.ModelProto()
    model.CopyFrom(generator)
    graph = model.graph
    image = graph.output[0].name
    node = find_cast(graph, MOVERS)
    if node is None:
        raise ExportError("The generator's graph does not end with a cast to uint8: it cannot be joined.")
    rounded, cast = node.input[0], node.output[0]
    graph.node.remove(node)
    rename(graph, {cast: rounded, image: given})
    del graph.value_info[:]  # which say that they are bytes
    return model, rounded if image == cast else given


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Call tensors by other names wherever they are written or read."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def check_exact(graph: onnx.ModelProto) -> None:
    """Prove that a graph gives the same pixels on every machine.

    Raises:
        ExportError: it is not proven.
    """
    try:
        prove_exact(graph)
    except NotExact as error:
        raise ExportError(f"The graph is not proven to be exact: {error}") from error

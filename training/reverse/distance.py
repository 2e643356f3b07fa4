"""`gradient.onnx`: how far a generator's drawing is from a picture, and which way its latent should go."""

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.compose import add_prefix

from foundation.graphs.opset import read_opset
from foundation.projection import DISTANCES, GRADIENTS, LABELS, LATENTS, PICTURES
from training.errors import ExportError
from training.reverse.backward import Backward
from training.reverse.reverse import add_gradient

INPUTS: Mapping[str, str] = {"latent": LATENTS, "label": LABELS}
"""What a generator's inputs are called, and what they are called here."""
IMAGE = "image"
MOVERS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
ROUNDINGS = frozenset({"Floor", "Round"})
FIRST_OPSET = 13
"""Before it the axes of sums, and the sizes of parts, are written otherwise."""
HALF_LEVELS = 127.5
"""Levels 0 to 255 are numbers from -1 to 1, as `training.data.scale_pixels` has them."""


def build_gradient(generator: onnx.ModelProto, prior: float = 0.0) -> onnx.ModelProto:
    """Return the graph of the distance between what a served generator draws and given pictures.

    Its inputs and outputs are those that `foundation.projection.Projection` says. Levels are taken before
    they are rounded; of pictures with transparency colours are multiplied by alpha, as in training. What is
    rounded within an exact graph passes gradients on as if it were not.

    Raises:
        ExportError: the graph's end is not uint8 pictures, or an operator has no gradient here.
    """
    opset = read_opset(generator)
    if opset < FIRST_OPSET:
        raise ExportError(
            f"The graph is of opset {opset}, and gradients are made from {FIRST_OPSET} on. Export it with 17."
        )
    back = Backward(leave_levels(generator))
    levels = back.graph.model.graph.output[0].name
    height, width, channels = back.shape(levels)
    level_gradients, distances = _compare(back, levels, (height, width, channels))
    gradients = add_gradient(back, levels, level_gradients, LATENTS)
    latent_size = back.shape(LATENTS)[0]
    if prior:
        pull = back.add("Mul", LATENTS, back.hold(2.0 * prior / latent_size))
        gradients = back.add("Add", gradients, pull)
    back.nodes += [
        helper.make_node("Identity", [gradients], [GRADIENTS]),
        helper.make_node("Identity", [distances], [DISTANCES]),
    ]
    before = back.graph.model.graph
    pictures = _describe(PICTURES, height, width, channels)
    outputs = [_describe(GRADIENTS, latent_size), _describe(DISTANCES)]
    initializers = [*before.initializer, *back.initializers]
    nodes = [*before.node, *back.nodes]
    graph = helper.make_graph(nodes, "gradient", [*before.input, pictures], outputs, initializers)
    model = helper.make_model(
        graph,
        opset_imports=generator.opset_import,
        ir_version=generator.ir_version,
        producer_name="ganymede",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def find_cast(graph: onnx.GraphProto, movers: Collection[str]) -> onnx.NodeProto | None:
    """Return the cast to uint8 at a graph's end, behind which there are but `movers`; None where none is."""
    producers = {name: node for node in graph.node for name in node.output}
    node = producers.get(graph.output[0].name)
    while node is not None and node.op_type in movers:
        node = producers.get(node.input[0])
    kind = next((each.i for each in node.attribute if each.name == "to"), None) if node else None
    return node if node is not None and node.op_type == "Cast" and kind == TensorProto.UINT8 else None


def leave_levels(generator: onnx.ModelProto) -> onnx.ModelProto:
    """Return the generator with the levels of its pictures as floats, neither rounded nor cast to bytes.

    Its inputs are called as those of a gradient are.

    Raises:
        ExportError: its end is not a cast to uint8 that is then at most moved about.
    """
    model = add_prefix(generator, "generator/")
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    node = cast = find_cast(graph, MOVERS)
    if cast is None:
        raise ExportError("The graph does not end with a cast to uint8: its levels cannot be told.")
    while node is not None and node.op_type in ("Cast", "Clip", *ROUNDINGS):
        if node.op_type in ROUNDINGS:
            _pass_on(node)
        node = producers.get(node.input[0])
    _pass_on(cast)
    for tensor in graph.output:
        tensor.type.tensor_type.elem_type = TensorProto.FLOAT
    del graph.value_info[:]  # which say that they are bytes
    for tensor in graph.input:
        old = tensor.name
        tensor.name = INPUTS.get(old.removeprefix("generator/"), old)
        for node in graph.node:
            node.input[:] = [tensor.name if name == old else name for name in node.input]
    return model


def _pass_on(node: onnx.NodeProto) -> None:
    """Let a node hand on what it is given."""
    node.op_type = "Identity"
    del node.attribute[:]


def _compare(back: Backward, levels: str, shape: tuple[int, int, int]) -> tuple[str, str]:
    """The gradient of the distances by the levels (n, h, w, c), and the distances (n,)."""
    count = float(np.prod(shape))
    alpha = ""
    seen = levels
    if shape[2] == 4:
        colours, alpha = back.add_many("Split", [levels, back.hold([3, 1], np.int64)], 2, axis=3)
        seen_share = back.add("Mul", alpha, back.hold(1.0 / 255.0))
        seen = back.add("Concat", back.add("Mul", colours, seen_share), alpha, axis=3)
    drawn = back.add("Sub", back.add("Mul", seen, back.hold(1.0 / HALF_LEVELS)), back.hold(1.0))
    differences = back.add("Sub", drawn, PICTURES)
    squares = back.add("Mul", differences, differences)
    axes = back.hold([1, 2, 3], np.int64)
    total = back.add("ReduceSum", squares, axes, keepdims=0)
    distances = back.add("Mul", total, back.hold(1.0 / count))
    gradient = back.add("Mul", differences, back.hold(2.0 / count / HALF_LEVELS))
    if not alpha:
        return gradient, distances
    of_colours, of_alpha = back.add_many("Split", [gradient, back.hold([3, 1], np.int64)], 2, axis=3)
    through = back.add("Mul", of_colours, back.add("Mul", colours, back.hold(1.0 / 255.0)))
    of_alpha = back.add("Add", of_alpha, back.sum_over(through, [3]))
    return back.add("Concat", back.add("Mul", of_colours, seen_share), of_alpha, axis=3), distances


def _describe(name: str, *sides: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sides])

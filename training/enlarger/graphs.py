"""The enlarger as an ONNX graph, held against Keras, perhaps on a grid, and joined to the generator's."""

from collections.abc import Mapping

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.compose import add_prefix

from foundation.grid.demands import NotPlaceable
from foundation.grid.movement import MOVERS
from foundation.grid.placing import place
from foundation.grid.price import MOST_MEAN_LEVELS, Price, compare, draw
from foundation.grid.proof import NotExact, prove_exact
from foundation.images import measure_difference
from foundation.onnx_runtime import onnxruntime
from training.errors import ExportError
from training.export.exporting import MAX_FLOAT_DIFFERENCE, MAX_LEVELS, Comparison
from training.export.graph import FLOAT_IMAGE, IMAGE, OPSET, convert, give_levels, keep_pixels
from training.run.samples import quantize

LEVELS = "levels"
COMPARED_PICTURES = 64
PRICED_SHARE = 0.25
"""Of the drawings; by the others the grid is laid."""

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]


def convert_enlarger(enlarger: keras.Model) -> onnx.ModelProto:
    """Convert a float32 enlarger: `levels` float32 (batch, h, w, c) in, `image` and `float_image` out."""
    _, height, width, channels = enlarger.input_shape
    signature = [tf.TensorSpec((None, height, width, channels), tf.float32, name=LEVELS)]

    def enlarge(levels: tf.Tensor) -> dict[str, tf.Tensor]:
        drawn = enlarger(levels, training=False)
        return {IMAGE: give_levels(drawn), FLOAT_IMAGE: tf.identity(drawn)}

    return convert(enlarge, signature)


def compare_with_keras(model: onnx.ModelProto, enlarger: keras.Model, drawn: Images) -> Comparison:
    """Enlarge drawings uint8 (n, h, w, c) with both and compare them.

    Raises:
        ExportError: they are too far from each other; the message says how far.
    """
    levels = drawn[:COMPARED_PICTURES].astype(np.float32)
    expected = np.asarray(enlarger(levels, training=False))
    floats = run_both(model, levels)
    difference = measure_difference(floats[0], quantize(expected))
    comparison = Comparison(
        latents=len(levels),
        max_float_difference=float(np.abs(floats[1] - expected).max()),
        max_levels=difference.max_levels,
        pixels_differing=difference.pixels_differing,
    )
    if not comparison.passes:
        raise ExportError(
            "The exported enlarger does not draw what Keras draws: up to "
            f"{comparison.max_float_difference:.2e} in [-1, 1] (at most {MAX_FLOAT_DIFFERENCE:.0e} may be) "
            f"and {comparison.max_levels} levels of 255 (at most {MAX_LEVELS}). Nothing was written."
        )
    return comparison


def place_enlarger(model: onnx.ModelProto, drawn: Images) -> tuple[onnx.ModelProto, Price]:
    """Return an enlarger on grids, on which no sum can round, and what that costs over drawings.

    Raises:
        ExportError: it has no place on a grid.
    """
    priced = max(1, round(len(drawn) * PRICED_SHARE))
    levels = drawn.astype(np.float32)
    try:
        placed = place(model, {LEVELS: levels[priced:]}, normal=False)
    except (NotPlaceable, NotExact) as error:
        raise ExportError(
            f"The enlarger cannot be made exact, as the generator is: {error} Enlarge a float version of it."
        ) from error
    price = compare(model, placed.model, {LEVELS: levels[:priced]})
    if price.mean_levels > MOST_MEAN_LEVELS:
        raise ExportError(f"The enlarger cannot be made exact, as the generator is: it would cost {price}.")
    return placed.model, price


def join(generator: onnx.ModelProto, enlarger: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """Return the graph that draws, and then enlarges what would have been served; `side` is in its names.

    Raises:
        ExportError: the generator's graph is not of this opset, or its end is no cast to uint8.
    """
    opset = next((each.version for each in generator.opset_import if each.domain in ("", "ai.onnx")), 0)
    if opset != OPSET:
        raise ExportError(f"The generator's graph is of opset {opset}: export it again with {OPSET}.")
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
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=max(generator.ir_version, enlarger.ir_version),
        producer_name="ganymede",
    )
    onnx.checker.check_model(joined, full_check=True)
    return joined


def leave_bytes(generator: onnx.ModelProto, given: str) -> tuple[onnx.ModelProto, str]:
    """Return a generator whose whole levels stay floats, and their name: `given` where none is free.

    Raises:
        ExportError: its end is not a cast to uint8 that is then at most moved about.
    """
    model = onnx.ModelProto()
    model.CopyFrom(generator)
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    image = graph.output[0].name
    node = producers.get(image)
    while node is not None and node.op_type in MOVERS:
        node = producers.get(node.input[0])
    to = next((each.i for each in node.attribute if each.name == "to"), None) if node else None
    if node is None or node.op_type != "Cast" or to != TensorProto.UINT8:
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


def check_exact(joined: onnx.ModelProto) -> None:
    """Prove that the joined graph gives the same pixels on every machine.

    Raises:
        ExportError: it is not proven.
    """
    try:
        prove_exact(joined)
    except NotExact as error:
        raise ExportError(f"The enlarged graph is not proven to be exact: {error}") from error


def run_both(model: onnx.ModelProto, levels: Floats) -> tuple[Images, Floats]:
    """Return pictures uint8 (n, 2h, 2w, C) of levels (n, h, w, c), and the same as floats in [-1, 1]."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    pixels, floats = session.run([IMAGE, FLOAT_IMAGE], {LEVELS: levels})
    return pixels, floats


def enlarge(model: onnx.ModelProto, images: Images) -> Images:
    """Return images uint8 (n, h, w, c) twice as high and wide."""
    return draw(keep_pixels(model), {LEVELS: images.astype(np.float32)})

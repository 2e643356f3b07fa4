"""The enlarger as an ONNX graph, held against Keras, and perhaps placed on a grid."""

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray

from foundation.grid.demands import NotPlaceable
from foundation.grid.placing import place
from foundation.grid.price import MOST_MEAN_LEVELS, Price, compare, draw
from foundation.grid.proof import NotExact
from foundation.onnx_runtime import onnxruntime
from training.errors import ExportError
from training.export.comparison import MAX_FLOAT_DIFFERENCE, MAX_LEVELS, Comparison, compare_pictures
from training.export.graph import FLOAT_IMAGE, IMAGE, convert, give_levels

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
    comparison = compare_pictures(*run_both(model, levels), expected)
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
    return draw(model, {LEVELS: images.astype(np.float32)})

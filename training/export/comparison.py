"""An exported graph held against Keras: both draw the same latents."""

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from foundation.images import measure_difference
from training.export.graph import FLOAT_IMAGE, IMAGE, Floats, run_graph
from training.run.samples import draw_images, quantize

COMPARED_LATENTS = 256
MAX_FLOAT_DIFFERENCE = 1e-4
MAX_LEVELS = 1


class Comparison(BaseModel):
    """How far the graph in ONNX Runtime is from Keras, in float32, over `latents` latents."""

    model_config = ConfigDict(frozen=True)

    latents: int
    max_float_difference: float
    """Of the images in [-1, 1], before they become uint8."""
    max_levels: int
    """Of the pixels in 0 to 255."""
    pixels_differing: float
    """Share of the pixels that differ at all."""

    @property
    def passes(self) -> bool:
        """Whether the graph may be published; false for NaN."""
        return self.max_float_difference <= MAX_FLOAT_DIFFERENCE and self.max_levels <= MAX_LEVELS


def compare_with_keras(
    model: onnx.ModelProto, generator: keras.Model, latents: Floats, labels: Floats | None
) -> Comparison:
    """Draw latents (n, Z), of labels (n, classes) if it takes them, with both and compare them."""
    expected = draw_images(generator, latents, labels)
    pixels, images = run_graph(model.SerializeToString(), latents, labels, (IMAGE, FLOAT_IMAGE))
    return compare_pictures(pixels, np.asarray(images, np.float32), expected)


def compare_pictures(pixels: NDArray[np.uint8], images: Floats, expected: Floats) -> Comparison:
    """Hold a graph's `pixels` and `images` (n, h, w, c) in [-1, 1] against the `expected` ones, Keras's."""
    difference = measure_difference(pixels, quantize(expected))
    return Comparison(
        latents=len(expected),
        max_float_difference=float(np.abs(images - expected).max()),
        max_levels=difference.max_levels,
        pixels_differing=difference.pixels_differing,
    )


def blend_classes(classes: int) -> Floats | None:
    """Return labels float32 (256, classes): each class by turns, every other one half blended with the next.

    None without classes.
    """
    if not classes:
        return None
    rows = np.arange(COMPARED_LATENTS)
    one_hot = np.eye(classes, dtype=np.float32)
    blended = (one_hot[rows % classes] + one_hot[(rows + rows % 2) % classes]) / 2
    labels: Floats = blended.astype(np.float32)
    return labels

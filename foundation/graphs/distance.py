"""The half of `gradient.onnx` that says how far a drawing is from a picture, without the way back."""

import onnx
from onnx.utils import Extractor

from foundation.projection import DISTANCES


def extract_distance(gradient: bytes) -> bytes:
    """The part of a gradient's graph that gives `distances` alone; it takes the same inputs.

    Raises:
        ValueError: the graph is of a kind that cannot be divided.
    """
    model = onnx.load_model_from_string(gradient)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor.name for tensor in model.graph.input if tensor.name not in weights]
    content: bytes = Extractor(model).extract_model(inputs, [DISTANCES]).SerializeToString()
    return content

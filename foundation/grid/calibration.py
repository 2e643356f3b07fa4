"""What a float graph's tensors come to, over seeds, classes, blends of them and truncated latents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, shape_inference

from foundation.grid.movement import Array
from foundation.grid.reading import Graph
from foundation.labels import weigh_classes
from foundation.latents import draw_latents, truncate
from foundation.manifest import LabelInput, LatentInput
from foundation.onnx_runtime import onnxruntime

BATCH_IMAGES = 16
MARGIN, MARGIN_ALONE = 1.1, 1.4
MAX_ALONE = 2048
"""Numbers of a tensor, of one picture, up to which each is thought to have been seen but once in it."""
Feeds = Mapping[str, NDArray[np.float32]]


@dataclass
class Range:
    """Of each number of a tensor, of one sample (1, …)."""

    low: Array
    high: Array
    square: Array
    """The mean of its square."""

    @property
    def greatest(self) -> Array:
        """The greatest magnitude of each number: (1, …)."""
        found: Array = np.maximum(np.abs(self.low), np.abs(self.high))
        return found


def draw_feeds(
    latent: LatentInput, label: LabelInput | None, count: int, first: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Latents (count, z), every fourth one truncated, and labels (count, classes), every third a blend.

    All are float32, by the names of the graph's inputs; seeds begin at `first`.
    """
    latents = draw_latents(
        range(first, first + count), latent.size, distribution=latent.distribution, scheme=latent.scheme
    )
    for row in range(0, count, 4):
        latents[row : row + 1] = truncate(
            latents[row : row + 1], (0.25, 0.5, 0.75)[row // 4 % 3], latent.mean
        )
    if label is None:
        return {"latent": latents}
    classes = len(label.classes)
    labels = weigh_classes([row % classes for row in range(count)], classes)
    for row in range(0, count, 3):
        other, share = (row // 3 * 7 + 1) % classes, np.float32((row % 8 + 1) / 9)
        labels[row] *= 1 - share
        labels[row, other] += share
    return {"latent": latents, "label": labels}


def count_samples(feeds: Feeds) -> int:
    """How many pictures go in."""
    return len(next(iter(feeds.values())))


def measure_ranges(model: onnx.ModelProto, feeds: Feeds) -> dict[str, Range]:
    """Run the graph on `feeds` (n, …) and keep the range of every float tensor in it."""
    graph = Graph(model)
    inferred = shape_inference.infer_shapes(model)
    kinds = {each.name: each.type.tensor_type.elem_type for each in inferred.graph.value_info}
    names = [
        name
        for name in graph.producers
        if kinds.get(name) == TensorProto.FLOAT and name not in graph.constants
    ]
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found: dict[str, Range] = {}
    count = count_samples(feeds)
    for start in range(0, count, BATCH_IMAGES):
        part = {name: values[start : start + BATCH_IMAGES] for name, values in feeds.items()}
        rows = count_samples(part)
        arrays = [*session.run(names, part), *part.values()]
        for name, array in zip([*names, *part], arrays, strict=True):
            if np.shape(array)[:1] == (rows,):
                _add(found, name, np.asarray(array), count)
    return {name: _widen(each) for name, each in found.items()}


def _widen(ranges: Range) -> Range:
    """Farther than was seen, on either side: what comes once in a picture was seen least."""
    margin = MARGIN_ALONE if ranges.low.size <= MAX_ALONE else MARGIN
    low = np.where(ranges.low < 0, ranges.low * margin, ranges.low / margin)
    high = np.where(ranges.high > 0, ranges.high * margin, ranges.high / margin)
    return Range(low, high, ranges.square)


def _add(found: dict[str, Range], name: str, values: Array, count: int) -> None:
    low = values.min(0, keepdims=True).astype(np.float64)
    high = values.max(0, keepdims=True).astype(np.float64)
    square = np.einsum("i...,i...->...", values, values)[None].astype(np.float64) / count
    if name not in found:
        found[name] = Range(low, high, square)
        return
    before = found[name]
    found[name] = Range(np.minimum(before.low, low), np.maximum(before.high, high), before.square + square)


def run_to(model: onnx.ModelProto, name: str, feeds: Feeds) -> Iterator[NDArray[np.float32]]:
    """What a tensor comes to for `feeds` float32 (n, …), some samples at a time: float32 (m, …)."""
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    del cut.graph.output[:]
    cut.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        cut.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for start in range(0, count_samples(feeds), BATCH_IMAGES):
        part = {key: values[start : start + BATCH_IMAGES] for key, values in feeds.items()}
        yield session.run([name], part)[0]

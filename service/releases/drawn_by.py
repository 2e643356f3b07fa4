"""What the pixels of a release depend on here beside a request's inputs: what entity tags must cover."""

from dataclasses import dataclass

import numpy as np

from foundation.manifest import REFERENCE_GRAPH, Manifest
from foundation.onnx_runtime import onnxruntime
from foundation.processor import read_instruction_sets
from service.engine.generator import Generator
from service.releases.golden import GoldenAnswer


@dataclass(frozen=True, slots=True)
class DrawnBy:
    """Equal `parts` are equal pixels for equal inputs, on any two machines."""

    parts: tuple[str, ...]
    certain: bool
    """Whether pixels are the same again, byte for byte, however they are drawn; else within rounding."""


def name_drawing(manifest: Manifest, generator: Generator, golden: GoldenAnswer) -> DrawnBy:
    """What draws the pictures of a release that was held against its golden check.

    Exact arithmetic is named by the recorded images. Floats are named by what they give here: the golden
    images and, since sixteen alike do not prove the next, all that chooses the kernels. On a GPU cuDNN
    chooses by the clock, at every start and for every size of batch: nothing names the bytes for certain.
    """
    graph = manifest.file(REFERENCE_GRAPH)
    sums = (graph.sha256 if graph else "", golden.sha256)
    if manifest.arithmetic == "exact":
        return DrawnBy(("exact", *sums), certain=golden.steady)
    return DrawnBy(
        (
            "float",
            *sums,
            generator.device,
            generator.precision,
            f"onnxruntime {onnxruntime.__version__}",
            f"numpy {np.__version__}",
            *read_instruction_sets(),
        ),
        certain=golden.steady and generator.device == "cpu",
    )

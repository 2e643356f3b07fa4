"""What a graph draws for the release that it becomes: the golden pictures, and a picture of samples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.labels import weigh_classes
from foundation.latents import draw_classes, draw_latents
from foundation.manifest import LabelInput, LatentInput
from training.export.graph import run_graph
from training.run.samples import CLASS_COLUMNS, class_rows, tile

GOLDEN_SEEDS = tuple(range(16))
SAMPLE_SEEDS = tuple(range(64))
SAMPLE_COLUMNS = 8
SAMPLES = "samples.png"

Floats = NDArray[np.float32]
Pictures = NDArray[np.uint8]
"""uint8 (n, h, w, c)."""


def draw_golden(graph: bytes, latent: LatentInput, label: LabelInput | None) -> Pictures:
    """Return what a graph draws for seeds 0 to 15, each of the class it stands for: uint8 (16, h, w, c)."""
    return _draw_seeds(graph, latent, label, GOLDEN_SEEDS)


def draw_samples(graph: bytes, latent: LatentInput, label: LabelInput | None, scale: int = 1) -> Image.Image:
    """Return a picture of the seeds 0 to 63, or a row of ten seeds for each class, `scale` times as large."""
    if label is None:
        return tile(_draw_seeds(graph, latent, label, SAMPLE_SEEDS), SAMPLE_COLUMNS, scale)
    seeds, labels = class_rows(len(label.classes))
    return tile(_draw(graph, _draw_latents(latent, seeds), labels), CLASS_COLUMNS, scale)


def _draw_seeds(
    graph: bytes, latent: LatentInput, label: LabelInput | None, seeds: Sequence[int]
) -> Pictures:
    classes = len(label.classes) if label else 0
    labels = weigh_classes(draw_classes(seeds, classes), classes) if classes else None
    return _draw(graph, _draw_latents(latent, seeds), labels)


def _draw_latents(latent: LatentInput, seeds: Sequence[int]) -> Floats:
    return draw_latents(seeds, latent.size, distribution=latent.distribution, scheme=latent.scheme)


def _draw(graph: bytes, latents: Floats, labels: Floats | None) -> Pictures:
    (pixels,) = run_graph(graph, latents, labels)
    return np.ascontiguousarray(pixels, np.uint8)

"""A generator and its gradient in ONNX Runtime: what draws, and what says how far a drawing is off."""

from functools import cached_property

import numpy as np
import onnx
from numpy.typing import NDArray

from foundation.curvature import Curvature, measure_curvature
from foundation.descent import Descent
from foundation.onnx_runtime import onnxruntime
from foundation.projection import DISTANCES, GRADIENTS, LABELS, LATENTS, PICTURES
from training.encoder.subject import Subject
from training.errors import ExportError
from training.reverse.distance import build_gradient
from training.shape import CHUNK_PIXELS

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
FEWEST_ROWS = 2
"""A lone row is computed by another kernel, whose sums round otherwise."""

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Open a graph on the GPU that ONNX Runtime was installed for, or on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # TensorFlow works beside it
    present = onnxruntime.get_available_providers()
    providers = [name for name in PROVIDERS if name in present]
    return onnxruntime.InferenceSession(graph, options, providers=providers)


def require_shapes(subject: Subject, gradient: onnx.ModelProto) -> None:
    """Raise ExportError where a generator's graph takes or draws other things than is said of it."""
    shape, classes = subject.shape, len(subject.class_names)
    wanted = {LATENTS: (subject.latent_size,), PICTURES: (shape.height, shape.width, shape.channels)}
    wanted |= {LABELS: (classes,)} if classes else {}
    found = {
        tensor.name: tuple(side.dim_value for side in tensor.type.tensor_type.shape.dim[1:])
        for tensor in gradient.graph.input
    }
    if found != wanted:
        raise ExportError(f"The graph of {subject.name} has {found}, and it is said to have {wanted}.")


class Drawing:
    """A generator with its gradient, open."""

    def __init__(self, subject: Subject, prior: float = 0.0) -> None:
        """Make the gradient and open both.

        Raises:
            ExportError: the generator's graph has no gradient, or draws other pictures than is said of it.
        """
        self.subject, self.prior = subject, prior
        gradient = build_gradient(onnx.load_model_from_string(subject.graph), prior)
        require_shapes(subject, gradient)
        self.gradient = gradient.SerializeToString()
        self._generator = open_graph(subject.graph)
        self._gradient = open_graph(self.gradient)
        self._chunk = max(FEWEST_ROWS, CHUNK_PIXELS // subject.shape.pixels)

    @cached_property
    def curvature(self) -> Curvature | None:
        """What a service knows of it before it descends."""
        subject = self.subject
        return measure_curvature(
            self.draw,
            lambda latents, labels, pictures: self.compare(latents, labels, pictures)[0],
            size=subject.latent_size,
            classes=len(subject.class_names),
            pixels=subject.shape.height * subject.shape.width,
            distribution=subject.distribution,
            prior=self.prior,
        )

    def draw(self, latents: Floats, labels: Floats | None) -> Images:
        """Draw latents (n, Z), of labels (n, classes) where it takes them: uint8 (n, h, w, c)."""
        parts: list[Images] = []
        for first in range(0, len(latents), self._chunk):
            rows = slice(first, first + self._chunk)
            feeds = {"latent": latents[rows]} | ({} if labels is None else {"label": labels[rows]})
            parts.extend(self._generator.run(["image"], feeds))
        return np.concatenate(parts)

    def compare(self, latents: Floats, labels: Floats | None, pictures: Floats) -> tuple[Floats, Floats]:
        """Return the gradients (n, Z) and distances (n,) of latents for pictures (n, h, w, c) in [-1, 1]."""
        count = len(latents)
        feeds = {LATENTS: latents, PICTURES: pictures} | ({} if labels is None else {LABELS: labels})
        if count < FEWEST_ROWS:
            feeds = {name: np.repeat(rows, FEWEST_ROWS, 0) for name, rows in feeds.items()}
        parts = [
            self._gradient.run(
                [GRADIENTS, DISTANCES],
                {name: rows[first : first + self._chunk] for name, rows in feeds.items()},
            )
            for first in range(0, count, self._chunk)
        ]
        gradients, distances = (np.concatenate(arrays)[:count] for arrays in zip(*parts, strict=True))
        return gradients, distances

    def refine(
        self, latents: Floats, labels: Floats | None, pictures: Floats, *, steps: int, rate: float
    ) -> tuple[Floats, Floats]:
        """Descend so many steps as a service does: the nearest latents (n, Z), and their distances (n,)."""
        descent = Descent(latents, rate, self.curvature, self.prior)
        for _ in range(steps + 1):
            descent.take(*self.compare(descent.latents, labels, pictures))
        return descent.best, descent.distances

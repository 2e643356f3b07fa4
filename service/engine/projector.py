"""A release's two graphs for finding pictures in its latent space, as the engine runs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundation.curvature import Curvature
from foundation.descent import Descent
from foundation.errors import ReleaseRefused
from foundation.latents import Latents
from foundation.manifest import Described
from foundation.onnx_runtime import onnxruntime
from foundation.projection import DISTANCES, GRADIENT_GRAPH, GRADIENTS, LABELS, LATENTS, Projection
from service.engine.devices import Device
from service.engine.run_limit import RunLimit
from service.metrics import Metrics

GRADIENT_IMAGES = 3
"""What a row of `gradient.onnx` costs, in drawings: one forward, and two for the way back."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Feeds:
    """Inputs of such a graph by their names, float32 with a row for each picture."""

    arrays: Mapping[str, Floats]

    def __len__(self) -> int:
        """How many pictures they are for."""
        return len(next(iter(self.arrays.values())))

    def part(self, start: int, stop: int) -> "Feeds":
        """The rows from `start` to `stop`."""
        return Feeds({name: rows[start:stop] for name, rows in self.arrays.items()})


def join_feeds(parts: Sequence[Feeds]) -> Mapping[str, Floats]:
    """The inputs float32 (n, …) of all `parts` by name, one after the other."""
    if len(parts) == 1:
        return parts[0].arrays
    return {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays}


class ProjectionGraph:
    """`encoder.onnx`, `gradient.onnx` or a part of it, open in a session of one thread.

    It is safe to call from many threads.

    One thread, because the engine's threads have a core each: a large batch is shared among those.
    """

    def __init__(
        self, manifest: Described, path: str, graph: bytes, device: Device, outputs: Sequence[str] = ()
    ) -> None:
        """Open `graph`, which `foundation.graphs.projection` has looked through, on `device`.

        `outputs` are those that are asked for, where that is not all of them.

        Raises:
            ReleaseRefused: ONNX Runtime cannot open it.
        """
        self.manifest = manifest
        self.images_each = GRADIENT_IMAGES if path == GRADIENT_GRAPH else 1
        self.least_rows = 1
        """Of a batch; fewer pictures are repeated to as many."""
        self._path = path
        self._batch_sizes = device.batch_sizes
        labels = [LABELS] if manifest.label else []
        whole = [GRADIENTS, DISTANCES] if path == GRADIENT_GRAPH else [LATENTS, *labels]
        self._outputs = list(outputs) or whole
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=list(device.providers))
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            raise ReleaseRefused(
                f"{manifest.reference}: ONNX Runtime cannot open {path}: {str(error)[:300]}"
            ) from error

    def answer(self, arrays: Mapping[str, Floats], limit: RunLimit | None = None) -> Floats:
        """All outputs side by side, float32 (n, k): latents and labels, or gradients and the distance."""
        rows = len(next(iter(arrays.values())))
        least = max(rows, self.least_rows)
        size = next((size for size in self._batch_sizes if size >= least), least)
        if size > rows:
            arrays = {name: _repeat_last(given, size) for name, given in arrays.items()}
        found = self._session.run(self._outputs, dict(arrays), limit and limit.options)
        joined: Floats = np.concatenate([part.reshape(size, -1) for part in found], axis=1)[:rows]
        return joined

    def run(self, parts: Sequence[Feeds], *, alone: bool) -> tuple[Floats, None]:
        """What it answers to all `parts`; it is the same whether or not anything else runs."""
        del alone
        return self.answer(join_feeds(parts)), None

    def observe(self, metrics: Metrics, rows: int, seconds: float) -> None:
        """Count a batch of `rows` that ran for `seconds`."""
        metrics.observe_projection_batch(self._path.removesuffix(".onnx"), rows, seconds)


@dataclass(frozen=True, slots=True)
class Projector:
    """What finds pictures in a release's latent space: open, checked and ready."""

    encoder: ProjectionGraph
    gradient: ProjectionGraph
    distance: ProjectionGraph
    """What is asked last; what it says of the distance, as the last of its numbers, `gradient` says too."""
    settings: Projection
    curvature: Curvature | None = None

    def begin(self, latents: Latents) -> Descent:
        """A descent from latents float32 (n, z)."""
        return Descent(latents, self.settings.rate, self.curvature, self.settings.prior)


def _repeat_last(rows: Floats, size: int) -> Floats:
    padding = [(0, size - len(rows)), *[(0, 0)] * (rows.ndim - 1)]
    repeated: Floats = np.pad(rows, padding, mode="edge")
    return repeated

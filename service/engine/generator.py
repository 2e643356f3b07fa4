"""A generator's graph in ONNX Runtime: latents in, pictures out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foundation.errors import ReleaseRefused
from foundation.images import Images
from foundation.labels import Weights
from foundation.latents import Latents
from foundation.manifest import REFERENCE_GRAPH, Described
from foundation.onnx_runtime import onnxruntime
from service.engine.devices import Device, DeviceMissing
from service.engine.run_limit import RunLimit
from service.metrics import Metrics
from service.requests.inputs import Inputs, join_inputs

_TYPES = {"latent": "tensor(float)", "label": "tensor(float)", "image": "tensor(uint8)"}


class Generator:
    """One graph of one release, open in one inference session; safe to call from many threads."""

    images_each = 1

    def __init__(self, manifest: Described, graph: bytes, device: Device) -> None:
        """Open `graph` on `device`.

        Raises:
            ReleaseRefused: ONNX Runtime cannot open it, or its inputs and output are not the manifest's.
        """
        self.manifest = manifest
        self.device = device.name
        self.precision = device.precision
        self._batch_sizes = device.batch_sizes
        self._session = self._open(graph, device, device.threads)
        # Under load, batches side by side with a core each do more than one batch on all cores.
        self._narrow = self._open(graph, device, 1) if device.name == "cpu" and device.threads > 1 else None
        self._check_signature()
        self._check_provider(device)

    def _open(self, graph: bytes, device: Device, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin for a moment are there in time for a lone image; spinning on, they would take the
        # cores that HTTP and encoding need. Under load runs have a core each, and nobody to spin.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", "1000")
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(graph, options, providers=list(device.providers))
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            raise ReleaseRefused(
                f"{self.manifest.reference}: ONNX Runtime cannot open {REFERENCE_GRAPH}: {str(error)[:300]}"
            ) from error

    def generate(
        self,
        latents: Latents,
        labels: Weights | None = None,
        *,
        alone: bool = True,
        limit: RunLimit | None = None,
    ) -> Images:
        """The pictures uint8 (n, h, w, c) of latents float32 (n, z), in a conditional model of their classes.

        Those are weights float32 (n, classes), which sum to 1 in each row. `alone` says that nothing else
        runs: the bytes are the same, but all cores take part. A run that `limit` ends raises ONNX Runtime's
        own exception.
        """
        rows = len(latents)
        feeds = {"latent": latents} if labels is None else {"latent": latents, "label": labels}
        size = next((size for size in self._batch_sizes if size >= rows), rows)
        if size > rows:
            feeds = {
                name: np.pad(rows_of, ((0, size - rows), (0, 0)), mode="edge")
                for name, rows_of in feeds.items()
            }
        session = self._session if alone or self._narrow is None else self._narrow
        images: Images = session.run(["image"], feeds, limit and limit.options)[0]
        return images[:rows]

    def run(self, parts: Sequence[Inputs], *, alone: bool) -> tuple[Images, Weights | None]:
        """The pictures uint8 (n, h, w, c) of all `parts`, seeds among them, and the weights of their classes.

        The weights are float32 (n, classes), None in a model without classes.
        """
        inputs = join_inputs(self.manifest, parts)
        return self.generate(inputs.latents, inputs.labels, alone=alone), inputs.labels

    def observe(self, metrics: Metrics, rows: int, seconds: float) -> None:
        """Count a batch of `rows` that ran for `seconds`."""
        metrics.observe_batch(self.manifest.name, self.manifest.version, rows, seconds)

    @property
    def has_narrow(self) -> bool:
        """Whether what does not run alone is given one core of its own."""
        return self._narrow is not None

    def drop_narrow(self) -> None:
        """Run everything on all cores from now on."""
        self._narrow = None

    def warm_up(self, max_batch_images: int) -> None:
        """Run every batch shape that will be used, or the largest where any is: the first run is slow."""
        manifest = self.manifest
        for rows in self._batch_sizes or (max_batch_images,):
            labels = None
            if manifest.label is not None:
                labels = np.full(
                    (rows, len(manifest.label.classes)), 1 / len(manifest.label.classes), np.float32
                )
            self.generate(np.zeros((rows, manifest.latent.size), np.float32), labels)

    def _check_signature(self) -> None:
        manifest = self.manifest
        wanted: dict[str, tuple[int, ...]] = {"latent": (manifest.latent.size,)}
        if manifest.label:
            wanted["label"] = (len(manifest.label.classes),)
        self._check_tensors("inputs", self._session.get_inputs(), wanted)
        image = manifest.image
        self._check_tensors(
            "outputs",
            self._session.get_outputs(),
            {"image": (image.height, image.width, image.channels)},
        )

    def _check_tensors(self, kind: str, tensors: list[Any], wanted: dict[str, tuple[int, ...]]) -> None:
        """Names, types and shapes must be the manifest's; the batch (first) dimension must be free."""
        found = {tensor.name: (tensor.type, tensor.shape) for tensor in tensors}
        if set(found) != set(wanted):
            raise self._refusal(f"the graph's {kind} are {sorted(found)}, not {sorted(wanted)}")
        for name, rest in wanted.items():
            kind_of_tensor, shape = found[name]
            if kind_of_tensor != _TYPES[name]:
                raise self._refusal(f"{name} is {kind_of_tensor}, not {_TYPES[name]}")
            if tuple(shape[1:]) != rest or isinstance(shape[0], int):
                raise self._refusal(
                    f"{name} has the shape {shape}, not (batch, {str(rest)[1:-1].rstrip(',')})"
                )

    def _check_provider(self, device: Device) -> None:
        """ONNX Runtime falls back to the CPU without an error; we do not."""
        wanted = device.providers[0][0]
        if wanted not in self._session.get_providers():
            raise DeviceMissing(
                f"{self.manifest.reference}: ONNX Runtime could not start {wanted} and would have used "
                f"{self._session.get_providers()[0]} instead. Look at its driver and libraries."
            )

    def _refusal(self, reason: str) -> ReleaseRefused:
        return ReleaseRefused(f"{self.manifest.reference}: {REFERENCE_GRAPH}: {reason}.")

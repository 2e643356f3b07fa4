"""The two graphs that a projection needs, looked through as the generator's is."""

from collections.abc import Mapping

import numpy as np
import onnx

from foundation.errors import ReleaseRefused
from foundation.graphs.content import check_graph, require_steady
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import TrialFailed, try_graph
from foundation.manifest import Described
from foundation.projection import (
    DISTANCES,
    ENCODER_GRAPH,
    GRADIENT_GRAPH,
    GRADIENTS,
    LABELS,
    LATENTS,
    PICTURES,
)

_TRIED_PICTURES = 2

Shapes = Mapping[str, tuple[int, ...]]
"""The dimensions of each tensor but its first, which is the batch."""


def shape_encoder(release: Described) -> tuple[Shapes, Shapes]:
    """The inputs and the outputs of a release's `encoder.onnx`, all float32."""
    pictures, latents, labels = _shape_tensors(release)
    return pictures, {**latents, **labels}


def shape_gradient(release: Described) -> tuple[Shapes, Shapes]:
    """The inputs and the outputs of a release's `gradient.onnx`, all float32."""
    pictures, latents, labels = _shape_tensors(release)
    return {**latents, **labels, **pictures}, {GRADIENTS: latents[LATENTS], DISTANCES: ()}


def _shape_tensors(release: Described) -> tuple[Shapes, Shapes, Shapes]:
    image = release.image
    pictures = {PICTURES: (image.height, image.width, image.channels)}
    labels = {LABELS: (len(release.label.classes),)} if release.label else {}
    return pictures, {LATENTS: (release.latent.size,)}, labels


def check_projection(release: Described, encoder: bytes, gradient: bytes) -> None:
    """Look through both graphs, and try what cannot be told of them in a process of its own.

    Raises:
        ReleaseRefused: one holds what no graph may, takes more memory than it may, does not run, or its
            inputs and outputs are not those that `Projection` says; the message names the file.
    """
    for path, content, (inputs, outputs) in (
        (ENCODER_GRAPH, encoder, shape_encoder(release)),
        (GRADIENT_GRAPH, gradient, shape_gradient(release)),
    ):
        model = check_graph(content, release.reference, path)
        require_steady(model, release.reference, path)
        weights = {tensor.name for tensor in model.graph.initializer}
        given = [tensor for tensor in model.graph.input if tensor.name not in weights]
        for kind, tensors, wanted in (
            ("inputs", given, inputs),
            ("outputs", list(model.graph.output), outputs),
        ):
            _check_tensors(tensors, wanted, f"{release.reference}: {path}: its {kind}")
        if check_memory(model, inputs, release.reference, path):
            continue
        feeds = {name: np.zeros((_TRIED_PICTURES, *shape), np.float32) for name, shape in inputs.items()}
        try:
            try_graph(content, feeds)
        except TrialFailed as error:
            raise ReleaseRefused(
                f"{release.reference}: {path} cannot be served, tried by itself: {error}."
            ) from error


def _check_tensors(tensors: list[onnx.ValueInfoProto], wanted: Shapes, what: str) -> None:
    """Names, types and shapes must be those that are wanted, and the batch must be free."""
    found = {tensor.name: tensor.type.tensor_type for tensor in tensors}
    if set(found) != set(wanted):
        raise ReleaseRefused(f"{what} are {sorted(found)[:8]}, not {sorted(wanted)}.")
    for name, kind in found.items():
        batch, *rest = kind.shape.dim or [onnx.TensorShapeProto.Dimension(dim_value=1)]
        sides = tuple(side.dim_value for side in rest)
        if kind.elem_type != onnx.TensorProto.FLOAT or sides != wanted[name] or batch.HasField("dim_value"):
            said = ", ".join(["batch", *map(str, wanted[name])])
            raise ReleaseRefused(f"{what} have {name!r} otherwise than float32 ({said}).")

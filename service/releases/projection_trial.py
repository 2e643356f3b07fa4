"""A release's graphs for projections, tried on its golden pictures before anyone may use them."""

import logging

import numpy as np

from foundation.errors import ReleaseRefused
from foundation.manifest import Manifest
from foundation.pictures.development import scale_pixels
from foundation.projection import LABELS, LATENTS, PICTURES
from service.engine.generator import Generator
from service.engine.projector import Feeds, Floats, ProjectionGraph
from service.engine.run_limit import RunLimit
from service.requests.inputs import draw_seeds

log = logging.getLogger(__name__)

_TRIED = 4
"""Golden pictures that are looked for."""


def try_projection(
    manifest: Manifest,
    generator: Generator,
    encoder: ProjectionGraph,
    gradient: ProjectionGraph,
    limit: RunLimit,
) -> Feeds:
    """Look for a few golden pictures, each alone and among the others; what `gradient` was asked.

    Where one picture alone goes another way through the kernels, it goes with its own double from now on.

    Raises:
        ReleaseRefused: a graph does not answer as it should.
    """
    inputs = draw_seeds(manifest, manifest.golden.seeds[:_TRIED])
    images = generator.generate(inputs.latents, inputs.labels, limit=limit)
    feeds: dict[str, Floats] = {PICTURES: scale_pixels(images)}
    known: dict[str, Floats] = {LATENTS: inputs.latents, **feeds}
    if inputs.labels is not None:
        known[LABELS] = inputs.labels
    size = manifest.latent.size
    steady = True
    for graph, arrays, width in (
        (encoder, feeds, size + (inputs.labels.shape[1] if inputs.labels is not None else 0)),
        (gradient, known, size + 1),
    ):
        together = graph.answer(arrays, limit)
        wrong = f"{manifest.reference}: a graph for projections answers golden pictures with"
        if together.shape != (len(images), width):
            raise ReleaseRefused(
                f"{wrong} {together.shape} and not with numbers of the shape {(len(images), width)}."
            )
        if not np.isfinite(together).all():
            raise ReleaseRefused(f"{wrong} numbers that are not finite.")
        if not _is_steady(graph, arrays, together, limit):
            graph.least_rows = 2
            steady = _is_steady(graph, arrays, together, limit) and steady
    if not steady:
        log.warning(
            "%s: a picture that is projected alone may differ by a rounding from the same one in a batch",
            manifest.reference,
        )
    return Feeds(known)


def _is_steady(graph: ProjectionGraph, arrays: dict[str, Floats], together: Floats, limit: RunLimit) -> bool:
    return all(
        np.array_equal(
            graph.answer({name: rows[row : row + 1] for name, rows in arrays.items()}, limit)[0],
            together[row],
        )
        for row in range(len(together))
    )

"""How far a drawing is from a picture, without the gradient: the last that a projection asks."""

import logging

import numpy as np

from foundation.errors import ReleaseRefused
from foundation.graphs.distance import extract_distance
from foundation.manifest import Manifest
from foundation.projection import DISTANCES, GRADIENT_GRAPH
from service.engine.devices import Device
from service.engine.projector import Feeds, ProjectionGraph
from service.engine.run_limit import RunLimit

log = logging.getLogger(__name__)

MAX_DIVIDED_BYTES = 2**26
"""Of a graph: weights that the half needs are in memory twice."""


def open_distance(
    manifest: Manifest,
    content: bytes,
    gradient: ProjectionGraph,
    tried: Feeds,
    device: Device,
    limit: RunLimit,
) -> ProjectionGraph:
    """The forward half of `gradient`, whose graph is `content`, in a session of its own.

    It is `gradient` itself where the half cannot be had, would be large, or does not say the same to the last
    bit of what was `tried`, each row by itself and all together: answers depend on it.
    """
    if len(content) > MAX_DIVIDED_BYTES:
        return gradient
    try:
        half = ProjectionGraph(manifest, GRADIENT_GRAPH, extract_distance(content), device, [DISTANCES])
        half.least_rows = gradient.least_rows
        parts = [tried, *(tried.part(row, row + 1) for row in range(len(tried)))]
        same = all(
            np.array_equal(half.answer(part.arrays, limit)[:, -1], gradient.answer(part.arrays, limit)[:, -1])
            for part in parts
        )
    except (ValueError, ReleaseRefused) as error:
        log.info("%s: distances are asked with their gradients: %s", manifest.reference, error)
        return gradient
    return half if same else gradient

"""The curvatures that were measured of releases, kept for longer than the releases stay in memory."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from foundation.curvature import Curvature, measure_curvature
from foundation.images import Images
from foundation.labels import Weights
from foundation.latents import Latents
from foundation.manifest import Manifest
from foundation.pictures.development import Signed
from foundation.projection import LABELS, LATENTS, PICTURES, Projection
from service.engine.generator import Generator
from service.engine.projector import ProjectionGraph
from service.engine.run_limit import RunLimit

MAX_KEPT = 64
"""Releases: 32 MiB where all have the largest latents that are measured, 2 MiB with 64 numbers."""


@dataclass(slots=True)
class _Entry:
    turn: threading.Lock = field(default_factory=threading.Lock)
    known: bool = False
    curvature: Curvature | None = None


class Curvatures:
    """What was measured, by the release's digest, of those asked for last; safe to use from many threads.

    Measuring costs what thousands of drawings do, and no queue counts them: were it forgotten with the
    release, who asks for one version after the other would have it done again and again.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str, measure: Callable[[], Curvature | None]) -> Curvature | None:
        """What `measure` gave, or gives now; others who ask for the same wait. What it raises is not kept."""
        with self._lock:
            entry = self._entries.setdefault(digest, _Entry())
            self._entries.move_to_end(digest)
            if len(self._entries) > MAX_KEPT:
                self._entries.popitem(last=False)
        with entry.turn:
            if not entry.known:
                entry.curvature = measure()
                entry.known = True
            return entry.curvature


def digest_release(manifest: Manifest) -> str:
    """The sha256 of all that a manifest says, and so of the files whose sums it has."""
    return hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()


def measure_release(
    manifest: Manifest,
    settings: Projection,
    generator: Generator,
    gradient: ProjectionGraph,
    limit: RunLimit,
) -> Curvature | None:
    """The curvature of a release by both of its graphs, None where it is not known.

    A run that `limit` ends raises ONNX Runtime's own exception.
    """
    classes = () if manifest.label is None else manifest.label.classes

    def draw(latents: Latents, labels: Weights | None) -> Images:
        return generator.generate(latents, labels, limit=limit)

    def differentiate(latents: Latents, labels: Weights | None, pictures: Signed) -> Latents:
        feeds = {LATENTS: latents, PICTURES: pictures} | ({} if labels is None else {LABELS: labels})
        return gradient.answer(feeds, limit)[:, :-1]

    return measure_curvature(
        draw,
        differentiate,
        size=manifest.latent.size,
        classes=len(classes),
        pixels=manifest.image.height * manifest.image.width,
        distribution=manifest.latent.distribution,
        prior=settings.prior,
    )

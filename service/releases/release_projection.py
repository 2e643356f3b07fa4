"""What finds pictures in the latents of a release that is in memory: opened when asked for, kept with it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from foundation.curvature import Curvature
from foundation.errors import NoProjection, ReleaseRefused, Unavailable
from foundation.graphs.content import MAX_GRAPH_BYTES
from foundation.graphs.projection import check_projection
from foundation.manifest import Manifest
from foundation.pictures.framing import Frame
from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, Projection
from foundation.store import Store
from foundation.store.publication import entry_of
from service.engine.devices import Device
from service.engine.generator import Generator
from service.engine.projector import ProjectionGraph, Projector
from service.engine.run_limit import RunLimit
from service.engine.threads import Threads
from service.releases.curvatures import Curvatures, digest_release, measure_release
from service.releases.distances import open_distance
from service.releases.projection_trial import try_projection
from service.releases.sizes import check_budget

log = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""Of trying both graphs."""
MEASURING_TIMEOUT_S = 600.0
"""Of measuring the curvature, many times as long as it takes: only what does not end passes it."""
_RETRY_AFTER_S = 5
_RETRY_LATE_S = 60
"""For a machine on which it took too long."""


class ReleaseProjection:
    """The two graphs of one release, remembered; a store that is away is asked again."""

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        generator: Generator,
        device: Device,
        *,
        max_graph_bytes: int = MAX_GRAPH_BYTES,
        curvatures: Curvatures | None = None,
    ) -> None:
        """`curvatures` is what was measured of it and of others; without it, of this one alone."""
        self._store = store
        self._manifest = manifest
        self._generator = generator
        self._device = device
        self._max_graph_bytes = max_graph_bytes
        self._curvatures = curvatures or Curvatures()
        self._answer: Projector | ReleaseRefused | None = None
        self._opening: asyncio.Future[Projector] | None = None

    @property
    def settings(self) -> Projection:
        """How far to go, as the release says.

        Raises:
            NoProjection: it has no encoder.
        """
        settings = self._manifest.projection
        if settings is None:
            raise NoProjection(
                f"{self._manifest.reference} has no encoder, so that no picture can be found in its latent "
                f"space. A version that has one is made by ganymede encoder {self._manifest.name}, or by "
                "ganymede encoder RUN of the run that made the generator, and ganymede publish."
            )
        return settings

    @property
    def frame(self) -> Frame:
        """What photos are brought into: the model's size, cropped as its training pictures were."""
        image, configuration = self._manifest.image, self._manifest.training.get("configuration")
        whole = isinstance(configuration, dict) and configuration.get("crop") == "none"
        return Frame(image.height, image.width, image.channels, "none" if whole else "centre")

    async def get(self, threads: Threads, timeout_s: float) -> Projector:
        """Both graphs, at once if they are open, else opened in one of `threads`.

        Raises:
            NoProjection, ReleaseRefused, StoreUnreachable: as `open`.
            Unavailable: as `open`, or it takes longer than `timeout_s` (and goes on).
        """
        if (found := self._known()) is not None:
            return found
        if self._opening is None or self._opening.done():  # once, however many ask
            self._opening = asyncio.ensure_future(threads.run(self.open))
            self._opening.add_done_callback(_forget_failure)
        done, _ = await asyncio.wait([self._opening], timeout=timeout_s)
        if not done:
            raise Unavailable(
                f"The encoder of {self._manifest.reference} is still being opened.",
                retry_after_s=_RETRY_AFTER_S,
            )
        return self._opening.result()

    def open(self) -> Projector:
        """Both graphs, read, looked through, opened and tried. What is wrong with them is remembered.

        Raises:
            NoProjection: the release has none.
            ReleaseRefused: one is damaged, too large, or does not answer as it should.
            StoreUnreachable: the store does not answer.
            Unavailable: they took too long; the next call tries again.
        """
        if (found := self._known()) is not None:
            return found
        try:
            projector = self._open()
        except ReleaseRefused as error:
            self._answer = error
            raise
        self._answer = projector
        log.info("opened the encoder of %s", self._manifest.reference)
        return projector

    def _known(self) -> Projector | None:
        answer = self._answer
        if isinstance(answer, ReleaseRefused):
            raise answer.with_traceback(None)
        return answer

    def _open(self) -> Projector:
        settings, manifest = self.settings, self._manifest
        encoder, gradient = (self._read(path) for path in (ENCODER_GRAPH, GRADIENT_GRAPH))
        check_projection(manifest, encoder, gradient)
        graphs = (
            ProjectionGraph(manifest, ENCODER_GRAPH, encoder, self._device),
            ProjectionGraph(manifest, GRADIENT_GRAPH, gradient, self._device),
        )
        with self._within(TIMEOUT_S) as limit:
            tried = try_projection(manifest, self._generator, *graphs, limit)
            distance = open_distance(manifest, gradient, graphs[1], tried, self._device, limit)

        def measure() -> Curvature | None:
            with self._within(MEASURING_TIMEOUT_S) as limit:
                return measure_release(manifest, settings, self._generator, graphs[1], limit)

        curvature = self._curvatures.get(digest_release(manifest), measure)
        return Projector(*graphs, distance, settings, curvature)

    def _read(self, path: str) -> bytes:
        entry = entry_of(self._manifest, path)
        check_budget(self._manifest, entry, max_graph_bytes=self._max_graph_bytes)
        return self._store.read(self._manifest, path, max_bytes=self._max_graph_bytes)

    @contextmanager
    def _within(self, timeout_s: float) -> Iterator[RunLimit]:
        """A limit for the graphs, which may be sound where it passes; else what they raise refuses them."""
        limit, reference = RunLimit(timeout_s), self._manifest.reference
        try:
            with limit:
                yield limit
        except ReleaseRefused:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            if limit.passed:
                raise Unavailable(
                    f"The encoder of {reference} could not be tried within {timeout_s:g} s: the machine is "
                    "busy, or too slow for it. It is tried again when it is asked for again.",
                    retry_after_s=_RETRY_LATE_S,
                ) from error
            raise ReleaseRefused(
                f"{reference}: its graphs for projections do not run: {str(error)[:300]}."
            ) from error


def _forget_failure(opening: asyncio.Future[Projector]) -> None:
    """Look at a failure that every waiter may have left, so that asyncio does not complain."""
    if not opening.cancelled():
        opening.exception()

"""What finds pictures in the latents of a release that is in memory: opened when asked for, kept with it."""

import asyncio
import logging

import numpy as np

from foundation.curvature import Curvature, measure_curvature
from foundation.errors import NoProjection, ReleaseRefused, Unavailable
from foundation.graphs.content import MAX_GRAPH_BYTES
from foundation.graphs.projection import check_projection
from foundation.images import Images
from foundation.labels import Weights
from foundation.latents import Latents
from foundation.manifest import Manifest
from foundation.pictures.development import Signed, scale_pixels
from foundation.pictures.framing import Frame
from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, LABELS, LATENTS, PICTURES, Projection
from foundation.store import Store
from foundation.store.publication import entry_of
from service.engine.devices import Device
from service.engine.generator import Generator
from service.engine.projector import Floats, ProjectionGraph, Projector
from service.engine.run_limit import RunLimit
from service.engine.threads import Threads
from service.releases.sizes import check_budget
from service.requests.inputs import draw_seeds

log = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""Of trying both graphs."""
_TRIED = 4
"""Golden pictures that are looked for."""
_RETRY_AFTER_S = 5


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
    ) -> None:
        self._store = store
        self._manifest = manifest
        self._generator = generator
        self._device = device
        self._max_graph_bytes = max_graph_bytes
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
            Unavailable: it takes longer than `timeout_s` (and goes on).
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
        """Both graphs, read, looked through, opened and tried.

        Raises:
            NoProjection: the release has none.
            ReleaseRefused: one is damaged, too large, or does not answer as it should.
            StoreUnreachable: the store does not answer.
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
        limit = RunLimit(TIMEOUT_S)
        try:
            with limit:
                self._try(*graphs, limit)
                curvature = self._measure_curvature(graphs[1], limit)
        except ReleaseRefused:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            why = f"do not end within {TIMEOUT_S:g} s" if limit.passed else f"do not run: {str(error)[:300]}"
            raise ReleaseRefused(f"{manifest.reference}: its graphs for projections {why}.") from error
        return Projector(*graphs, settings, curvature)

    def _read(self, path: str) -> bytes:
        entry = entry_of(self._manifest, path)
        check_budget(self._manifest, entry, max_graph_bytes=self._max_graph_bytes)
        return self._store.read(self._manifest, path, max_bytes=self._max_graph_bytes)

    def _measure_curvature(self, gradient: ProjectionGraph, limit: RunLimit) -> Curvature | None:
        manifest = self._manifest
        classes = () if manifest.label is None else manifest.label.classes

        def draw(latents: Latents, labels: Weights | None) -> Images:
            return self._generator.generate(latents, labels, limit=limit)

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
            prior=self.settings.prior,
        )

    def _try(self, encoder: ProjectionGraph, gradient: ProjectionGraph, limit: RunLimit) -> None:
        """Look for a few golden pictures, each alone and among the others.

        Where one picture alone goes another way through the kernels, it goes with its own double from now on.
        """
        inputs = draw_seeds(self._manifest, self._manifest.golden.seeds[:_TRIED])
        images = self._generator.generate(inputs.latents, inputs.labels, limit=limit)
        feeds: dict[str, Floats] = {PICTURES: scale_pixels(images)}
        known: dict[str, Floats] = {LATENTS: inputs.latents, **feeds}
        if inputs.labels is not None:
            known[LABELS] = inputs.labels
        size = self._manifest.latent.size
        steady = True
        for graph, arrays, width in (
            (encoder, feeds, size + (inputs.labels.shape[1] if inputs.labels is not None else 0)),
            (gradient, known, size + 1),
        ):
            together = graph.answer(arrays, limit)
            wrong = f"{self._manifest.reference}: a graph for projections answers golden pictures with"
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
                self._manifest.reference,
            )


def _is_steady(graph: ProjectionGraph, arrays: dict[str, Floats], together: Floats, limit: RunLimit) -> bool:
    return all(
        np.array_equal(
            graph.answer({name: rows[row : row + 1] for name, rows in arrays.items()}, limit)[0],
            together[row],
        )
        for row in range(len(together))
    )


def _forget_failure(opening: asyncio.Future[Projector]) -> None:
    """Look at a failure that every waiter may have left, so that asyncio does not complain."""
    if not opening.cancelled():
        opening.exception()

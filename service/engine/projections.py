"""Finding pictures in a latent space: a guess, then gradient steps, each in a batch with other requests'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from foundation.descent import Descent, Distances
from foundation.labels import Weights, weigh_label
from foundation.latents import Latents
from foundation.pictures.development import Signed
from foundation.projection import LABELS, LATENTS, PICTURES
from service.engine.admission import Admission
from service.engine.engine import Engine
from service.engine.jobs import Encode, Generated, GenerationFailed, Made
from service.engine.projector import GRADIENT_IMAGES, Feeds, Floats, ProjectionGraph, Projector
from service.requests.inputs import Inputs

DECIMALS = 4
"""Of the latents and weights that are answered: what is drawn is what they say, to the last bit."""


def projection_images(count: int, steps: int) -> int:
    """What finding and drawing `count` pictures costs, in drawings."""
    return count * (1 + GRADIENT_IMAGES * (steps + 1) + 1)


_BATCH_PICTURES = 16


@dataclass(slots=True)
class Course:
    """Where the pictures of one request are on their way.

    Its methods are called in the engine's threads, one after the other.
    """

    projector: Projector
    pictures: Signed
    labels: Weights | None
    """As they were asked for; None lets the encoder say, where the model has classes."""
    decimals: list[list[float]] | None = None
    """Their weights as they are answered: read as labels of a request, they are `labels` to the bit."""
    descent: Descent = field(init=False)
    _asked: Mapping[str, Floats] = field(init=False)

    def begin(self, guessed: Made, _labels: Weights | None) -> bytes:
        """Take the encoder's guess: float32 (n, z + classes), latents and weights side by side."""
        manifest = self.projector.encoder.manifest
        size = manifest.latent.size
        if manifest.label is not None:
            weights = guessed[:, size:] if self.labels is None else self.labels
            self.decimals = list_decimals(np.clip(weights, 0, None))
            rows = [weigh_label(tuple(row), manifest.label, "labels") for row in self.decimals]
            self.labels = np.stack(rows)
        self.descent = self.projector.begin(guessed[:, :size])
        self._ask()
        return b""

    def step(self, answer: Made, _labels: Weights | None) -> bytes:
        """Take what the gradient's graph says of where it is: float32 (n, z + 1), the distance last."""
        self.descent.take(answer[:, :-1], answer[:, -1])
        self._ask()
        return b""

    def end(self, answer: Made, _labels: Weights | None) -> bytes:
        """Take how far the last step led, the last of float32 (n, k), after which there is none."""
        self.descent.keep(answer[:, -1])
        return b""

    def feeds(self) -> Feeds:
        """What the gradient's graph is to be asked next."""
        return Feeds(self._asked)

    def found(self) -> Latents:
        """The nearest latents float32 (n, z), as they are answered and drawn.

        Raises:
            GenerationFailed: the graphs gave nothing that is a number.
        """
        if not np.isfinite(self.descent.distances).all():
            raise GenerationFailed(
                "The model's graphs gave what is no number for this picture, so that nothing was found."
            )
        return round_latents(self.descent.best)

    def _ask(self) -> None:
        labels = {} if self.labels is None else {LABELS: self.labels}
        latents = round_latents(self.descent.latents)
        self._asked = {LATENTS: latents, **labels, PICTURES: self.pictures}


@dataclass(frozen=True, slots=True)
class Projected:
    """The latents that were found, their labels and distances, and the seconds that it took."""

    inputs: Inputs
    labels: list[list[float]] | None
    """The weights as decimals."""
    distances: Distances
    queue_s: float
    inference_s: float


def round_latents(latents: Latents) -> Latents:
    """Latents float32 (n, z) as `/generate` reads them where they are written with `DECIMALS`."""
    rounded: Latents = np.round(latents.astype(np.float64), DECIMALS).astype(np.float32)
    return rounded


def list_decimals(rows: Floats) -> list[list[float]]:
    """Rows float32 (n, k) as the shortest decimals that are read as them."""
    decimals: list[list[float]] = np.round(rows.astype(np.float64), DECIMALS).tolist()
    return decimals


async def project(
    engine: Engine,
    projector: Projector,
    pictures: Signed,
    labels: Weights | None,
    *,
    steps: int,
    admission: Admission,
) -> Projected:
    """Where `pictures`, float32 (n, h, w, c) in [-1, 1], are in latent space, `steps` from the guess.

    With `labels` float32 (n, classes) they are looked for in those classes alone.

    Raises:
        DeadlineExceeded: a step was not ready within the engine's time limit.
        GenerationFailed: a graph failed, or gave nothing that is a number.
    """
    course = Course(projector, pictures, labels)

    async def run(graph: ProjectionGraph, feeds: Feeds, then: Encode) -> Generated:
        return await engine.generate(graph, feeds, encode=then, pixels=0, admission=admission)

    waited = [await run(projector.encoder, Feeds({PICTURES: pictures}), course.begin)]
    waited += [await run(projector.gradient, course.feeds(), course.step) for _ in range(steps)]
    waited.append(await run(projector.distance, course.feeds(), course.end))
    inputs = Inputs(course.found(), course.labels, None)
    return Projected(inputs, course.decimals, course.descent.distances, *_add_up(waited))


def project_here(projector: Projector, pictures: Signed, labels: Weights | None, *, steps: int) -> Projected:
    """The same in this thread, for programs without an engine.

    Raises:
        GenerationFailed: a graph gave nothing that is a number.
    """
    parts = []
    for start in range(0, len(pictures), _BATCH_PICTURES):
        rows = slice(start, start + _BATCH_PICTURES)
        course = Course(projector, pictures[rows], None if labels is None else labels[rows])
        course.begin(projector.encoder.answer({PICTURES: course.pictures}), None)
        for _ in range(steps):
            course.step(projector.gradient.answer(course.feeds().arrays), None)
        course.end(projector.distance.answer(course.feeds().arrays), None)
        parts.append(course)
    weights = [part.labels for part in parts if part.labels is not None]
    joined = np.concatenate(weights) if weights else None
    return Projected(
        Inputs(np.concatenate([part.found() for part in parts]), joined, None),
        [row for part in parts for row in part.decimals or ()] if weights else None,
        np.concatenate([part.descent.distances for part in parts]),
        0.0,
        0.0,
    )


def _add_up(waited: Sequence[Generated]) -> tuple[float, float]:
    return sum(each.queue_s for each in waited), sum(each.inference_s for each in waited)

"""A request's job on its way through the engine, the part of it that is in a batch, and its answer."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foundation.errors import GanymedeError
from foundation.labels import Weights
from foundation.manifest import Described
from service.metrics import Metrics

log = logging.getLogger(__name__)

Made = NDArray[Any]
"""What a graph makes, a row for each of its inputs: images uint8 (n, h, w, c), or numbers float32 (n, k)."""

Encode = Callable[[Made, Weights | None], bytes]
"""From what was made, and the weights of the images' classes if any, to the content of an answer."""


class Rows(Protocol):
    """What goes into a graph: so many rows, each of which gives one of what comes out."""

    def __len__(self) -> int: ...

    def part(self, start: int, stop: int) -> "Rows":
        """The rows from `start` to `stop`."""
        ...


class Runner(Protocol):
    """A graph that the engine runs: a release's generator, or one that finds pictures in its latents."""

    @property
    def manifest(self) -> Described:
        """Whose it is."""
        ...

    @property
    def images_each(self) -> int:
        """How many drawings one of its rows costs, about."""
        ...

    def run(self, parts: Sequence[Any], *, alone: bool) -> tuple[Made, Weights | None]:
        """What the rows of all `parts` give, one after the other, and the weights of their classes."""
        ...

    def observe(self, metrics: Metrics, rows: int, seconds: float) -> None:
        """Count a batch of `rows` that ran for `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """Images uint8 (n, h, w, c), their encoding if one was asked for, and the seconds of each stage."""

    images: Made
    queue_s: float
    inference_s: float
    content: bytes = b""
    encode_s: float = 0.0

    @property
    def work_s(self) -> float:
        """All stages together: the service's own part of how long a client waits."""
        return self.queue_s + self.inference_s + self.encode_s


class GenerationFailed(GanymedeError):
    """The graph could not be run on these inputs; the trace is in the log."""

    code = "generation-failed"


def _stay() -> None:
    """Before it is admitted, a job has nothing to leave."""


@dataclass(eq=False, slots=True)
class Job:
    """Inputs on their way through one generator, the images that are there already, and those who wait.

    Each who waits has a future of its own, so that each can leave.
    """

    generator: Runner
    inputs: Rows
    requester: str | None = None
    """Whose it is; see `service.http.requesters`."""
    encode: Encode | None = None
    pixels: int = 0
    """Those that encoding goes through."""
    images_each: int = 1
    """What a row costs, in drawings."""
    taken: int = 0
    """Rows that are in a batch, or were."""
    ready: dict[int, tuple[Made, Weights | None]] = field(default_factory=dict)
    """Images and classes by first row: with several device threads, batches may come back out of order."""
    images_ready: int = 0
    waiters: list[asyncio.Future[Generated]] = field(default_factory=list)
    leave: Callable[[], None] = _stay
    """Called once, on the event loop, when the job is over."""
    over: bool = False
    arrived: float = field(default_factory=time.perf_counter)
    started: float = 0.0

    @property
    def cost(self) -> int:
        """Of all its rows, in drawings: what the queue counts."""
        return len(self.inputs) * self.images_each

    @property
    def waiting(self) -> int:
        """Rows that no batch has taken yet."""
        return len(self.inputs) - self.taken

    @property
    def complete(self) -> bool:
        """Whether every row's image is there."""
        return self.images_ready == len(self.inputs)

    def take(self, rows: int) -> "Part":
        """The next `rows` of those that wait, for a batch."""
        start = self.taken
        self.taken += rows
        return Part(self, start, self.taken)

    def add(self, start: int, images: Made, labels: Weights | None) -> None:
        """Take what the rows from `start` on gave, a row each, and the weights float32 of their classes."""
        self.ready[start] = images, labels
        self.images_ready += len(images)

    def joined(self) -> tuple[Made, Weights | None]:
        """All images uint8 (n, h, w, c) and the weights float32 (n, classes) they have, once complete."""
        if len(self.ready) == 1:
            return self.ready[0]
        parts = [self.ready[start] for start in sorted(self.ready)]
        labels = [weights for _, weights in parts if weights is not None]
        return np.concatenate([images for images, _ in parts]), np.concatenate(labels) if labels else None

    def finish(self, answer: Generated | GanymedeError | None) -> None:
        """On the event loop: tell all who wait, if any still do; only the first answer counts."""
        if self.over:
            return
        self.over = True
        self.leave()
        for waiter in self.waiters:
            if waiter.done():
                continue
            if isinstance(answer, GanymedeError):
                waiter.set_exception(answer)
            elif answer is not None:
                waiter.set_result(answer)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a job from `start` to `stop`, as they lie in a batch."""

    job: Job
    start: int
    stop: int

    def __len__(self) -> int:
        """How many images they give."""
        return self.stop - self.start

    def inputs(self) -> Rows:
        """What goes into the generator for them."""
        return self.job.inputs.part(self.start, self.stop)


def answer_all(answers: list[tuple[Job, Generated | GanymedeError]]) -> None:
    """On the event loop: tell all who wait."""
    for job, answer in answers:
        job.finish(answer)

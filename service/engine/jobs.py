"""A request's work on its way through the engine, and its answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from foundation.errors import GanymedeError
from foundation.images import Images
from foundation.labels import Weights
from service.engine.lines import Work

log = logging.getLogger(__name__)

Encode = Callable[[Images, Weights | None], bytes]
"""From images uint8 (n, h, w, c), and the weights of their classes if any, to the content of an answer."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Images uint8 (n, h, w, c), their encoding if one was asked for, and the seconds of each stage."""

    images: Images
    queue_s: float
    inference_s: float
    content: bytes = b""
    encode_s: float = 0.0


class GenerationFailed(GanymedeError):
    """The graph could not be run on these inputs; the trace is in the log."""

    code = "generation-failed"


def _stay() -> None:
    """Before it is admitted, a job has nothing to leave."""


@dataclass(eq=False, slots=True)
class Job(Work):
    """A request's work, and those who wait for it: each has a future of its own, so that each can leave."""

    encode: Encode | None = None
    small: bool = False
    """Encoding takes no longer than a few images do to be generated."""
    waiters: list[asyncio.Future[Generated]] = field(default_factory=list)
    leave: Callable[[], None] = _stay
    """Called once, on the event loop, when the job is over."""
    over: bool = False
    arrived: float = field(default_factory=time.perf_counter)
    started: float = 0.0

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


def encode_answer(job: Job, generated: float) -> Generated | GanymedeError:
    """The answer of a complete job whose last batch ended at `generated`, encoded if it asks for that."""
    images, labels = job.joined()
    began = time.perf_counter()
    try:
        content = job.encode(images, labels) if job.encode else b""
    except Exception:
        log.exception("images could not be encoded")
        return GenerationFailed("The images could not be encoded. It is logged under this request's id.")
    return Generated(
        images=images,
        queue_s=job.started - job.arrived,
        inference_s=generated - job.started,
        content=content,
        encode_s=time.perf_counter() - began,
    )


def answer_all(answers: list[tuple[Job, Generated | GanymedeError]]) -> None:
    """On the event loop: tell all who wait."""
    for job, answer in answers:
        job.finish(answer)

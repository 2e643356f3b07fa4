"""A request's work on its way through the engine, and its answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from service.batching import Work
from service.errors import GanymedeError
from service.generator import Images

log = logging.getLogger(__name__)

Encode = Callable[[Images], bytes]


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
    title = "Generation failed"


@dataclass(eq=False, slots=True)
class Job(Work):
    """A request's work, and the one who waits for it."""

    encode: Encode | None = None
    answer: asyncio.Future[Generated] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    arrived: float = field(default_factory=time.perf_counter)
    started: float = 0.0
    waiters: int = 0


def encode_answer(job: Job, generated: float) -> Generated | GanymedeError:
    """The answer of a complete job whose last batch ended at `generated`, encoded if it asks for that."""
    images = job.images()
    began = time.perf_counter()
    try:
        content = job.encode(images) if job.encode else b""
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
        answer_job(job, answer)


def answer_job(job: Job, answer: Generated | GanymedeError) -> None:
    """On the event loop: tell the one who waits, unless something else was told before."""
    if job.answer.done():
        return
    if isinstance(answer, GanymedeError):
        job.answer.set_exception(answer)
    else:
        job.answer.set_result(answer)

"""The threads that run batches: each takes one, runs it on its device, and passes on what is complete."""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from foundation.errors import GanymedeError
from foundation.labels import Weights
from service.encoding.encoding_threads import EncodingThreads
from service.engine.batching import Batch, WaitingJobs, group_by_images
from service.engine.jobs import Generated, GenerationFailed, Job, Made, answer_all
from service.metrics import Metrics

log = logging.getLogger(__name__)

_ENCODE_GROUP_IMAGES = 64
_RATE_MEMORY = 0.8
_SMALL_PIXELS = 2**16
"""A millisecond of PNG, three of WebP: an answer of more is large."""


class BatchThreads:
    """One thread per session of a device; pools encode while the next batch runs.

    `large_encoders` write what is large, each answer by itself: nobody's small one waits for it, nor does the
    next batch.
    """

    def __init__(
        self,
        waiting: WaitingJobs,
        encoders: ThreadPoolExecutor,
        large_encoders: EncodingThreads,
        metrics: Metrics,
        *,
        count: int,
        max_batch_images: int,
    ) -> None:
        self._waiting = waiting
        self._encoders, self._large_encoders = encoders, large_encoders
        self._metrics = metrics
        self._max_batch_images = max_batch_images
        self._handing_out = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.images_per_s = 0.0
        """What the device does under load, as measured lately."""
        self.threads = [
            threading.Thread(target=self._run_batches, name=f"inference-{index}", daemon=True)
            for index in range(count)
        ]

    def start(self) -> asyncio.AbstractEventLoop:
        """Run what waits and will wait, and answer on this event loop; a second time changes nothing."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            for thread in self.threads:
                thread.start()
        return self._loop

    def _run_batches(self) -> None:
        """One thread: take a batch, run it, pass it on; until the engine closes."""
        while (batch := self._waiting.take(self._max_batch_images)) is not None:
            try:
                images, labels = self._run(batch)
            except Exception:
                log.exception("a batch of %s failed", batch.generator.manifest.reference)
                error = GenerationFailed(
                    "The model could not generate this. It is logged under this request's id."
                )
                self._waiting.done(batch)
                self._post([(part.job, error) for part in batch.parts])
                continue
            ended = time.perf_counter()
            idle = self._waiting.done(batch)
            complete = self._hand_out(batch, images, labels)
            for job in complete:
                if job.pixels > _SMALL_PIXELS:
                    self._finish_large(job, ended)
            small = [job for job in complete if job.pixels <= _SMALL_PIXELS]
            for group in group_by_images(small, _ENCODE_GROUP_IMAGES):
                # The way through the pool costs more than small answers do, where this thread has a core of
                # its own and not a GPU that waits for it; and it is for nothing where the device is idle.
                if idle or len(self.threads) > 1:
                    self._finish(group, ended)
                else:
                    self._finish_elsewhere(group, ended)

    def _finish_large(self, job: Job, generated: float) -> None:
        try:
            self._large_encoders.submit(
                self._finish,
                [job],
                generated,
                requester=job.requester,
                pixels=job.pixels,
                since=job.arrived,
            )
        except RuntimeError:  # the system has no thread to give: better late than never
            self._finish([job], generated)

    def _finish_elsewhere(self, jobs: list[Job], generated: float) -> None:
        try:
            self._encoders.submit(self._finish, jobs, generated)
        except RuntimeError:  # as above; what the pool may still do of it comes second, and does nothing
            self._finish(jobs, generated)

    def _run(self, batch: Batch) -> tuple[Made, Weights | None]:
        started = time.perf_counter()
        for part in batch.parts:
            part.job.started = part.job.started or started
        began = time.thread_time()
        images, labels = batch.run()
        if not batch.alone or len(self.threads) == 1:  # else other threads do a part of it
            self._waiting.note(batch.generator, (time.thread_time() - began) / len(images))
        seconds = time.perf_counter() - started
        batch.generator.observe(self._metrics, len(images), seconds)
        cost = len(images) * batch.generator.images_each
        rate = cost / seconds * (1 if batch.alone else len(self.threads))
        self.images_per_s = _RATE_MEMORY * self.images_per_s + (1 - _RATE_MEMORY) * rate
        return images, labels

    def _hand_out(self, batch: Batch, images: Made, labels: Weights | None) -> list[Job]:
        """Give every job its images (rows, h, w, c); those that are complete now."""
        row, complete = 0, []
        with self._handing_out:
            for part in batch.parts:
                stop = row + len(part)
                part.job.add(part.start, images[row:stop], None if labels is None else labels[row:stop])
                row = stop
                if part.job.complete:
                    complete.append(part.job)
        return complete

    def _finish(self, jobs: list[Job], generated: float) -> None:
        """In the pool: encode what is complete, and send all answers to the event loop at once."""
        self._post([(job, encode_answer(job, generated)) for job in jobs if not job.over])

    def _post(self, answers: list[tuple[Job, Generated | GanymedeError]]) -> None:
        if self._loop is not None and answers:
            self._loop.call_soon_threadsafe(answer_all, answers)


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

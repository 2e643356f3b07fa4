"""The one way from inputs to images: admission, batches on the device, encoding, and the answer.

Every request passes the same stages. The event loop admits and waits; one thread per session takes batches
(`service.engine.batching`); a pool encodes what is complete while the next batch runs.
"""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from foundation.errors import DeadlineExceeded, GanymedeError, Unavailable
from foundation.images import Images
from foundation.labels import Weights
from service.engine.admission import Admission, explain_full
from service.engine.batching import Batch, WaitingWork, group_by_images
from service.engine.generator import Generator
from service.engine.jobs import Encode, Generated, GenerationFailed, Job, answer_all, encode_answer
from service.engine.room import Room
from service.engine.rows import AnyInputs
from service.engine.thread_end import end_threads
from service.metrics import Metrics

log = logging.getLogger(__name__)

_ENCODE_GROUP_IMAGES = 64
_RATE_MEMORY = 0.8


class Engine:
    """Admits work within its bounds and runs it in batches; made and used on one event loop."""

    def __init__(
        self,
        *,
        max_batch_images: int,
        max_queue_images: int,
        timeout_s: float,
        device_threads: int = 1,
        encode_threads: int = 2,
        walk_threads: int = 2,
        metrics: Metrics | None = None,
    ) -> None:
        self._max_batch_images = max_batch_images
        self.room = Room(max_queue_images)
        """For the images that were admitted and are not answered yet."""
        self._timeout_s = timeout_s
        self._metrics = metrics or Metrics()
        self._metrics.queue_images.set_function(lambda: self.room.held)
        self._waiting = WaitingWork[Job](devices=device_threads)
        self._flights: dict[str, Job] = {}
        self._images_per_s = 0.0
        self._handing_out = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._encoders = ThreadPoolExecutor(encode_threads, thread_name_prefix="encode")
        self.walk_encoders = ThreadPoolExecutor(walk_threads, thread_name_prefix="walk")
        self._devices = [
            threading.Thread(target=self._run_batches, name=f"inference-{index}", daemon=True)
            for index in range(device_threads)
        ]
        self.draining = False

    @property
    def waiting_images(self) -> int:
        """What `room` holds."""
        return self.room.held

    @waiting_images.setter
    def waiting_images(self, count: int) -> None:
        self.room.held = count

    def check_room(self, count: int, requester: str | None = None) -> None:
        """Refuse `count` more images, before anything is done for them, if the queue cannot hold them.

        Raises:
            Unavailable: the engine drains.
            QueueFull: with the seconds until there is room, from the measured rate. What is left of the
                queue may be kept for others than `requester`.
        """
        if self.draining:
            raise Unavailable("This process is ending; ask again, and another will answer.")
        room = self.room
        if room.fits(count, requester):
            return
        raise explain_full(room, count, requester, self._images_per_s)

    async def generate(
        self,
        generator: Generator,
        inputs: AnyInputs,
        *,
        encode: Encode | None = None,
        small: bool = False,
        flight: str | None = None,
        requester: str | None = None,
        admission: Admission | None = None,
    ) -> Generated:
        """The images of `inputs` in their order, and `encode` of them, away from the event loop.

        `small` says that this takes no longer than a few images: then the encoders' pool need not do it.

        Calls with the same `flight` (a name of the exact answer) share one run. When the last one who waits
        is cancelled, the work leaves the queue. With an `admission` the images take of its room, else of what
        `requester` may have.

        Raises:
            QueueFull: no room; nothing was queued.
            DeadlineExceeded: the time limit passed; what still waited left the queue.
            GenerationFailed: the graph failed.
        """
        job = self._flights.get(flight) if flight else None
        if job is None:
            whose = admission.requester if admission else requester
            job = Job(generator, inputs, requester=whose, encode=encode, small=small)
            self._admit(job, flight, admission)
        waiter: asyncio.Future[Generated] = asyncio.get_running_loop().create_future()
        job.waiters.append(waiter)
        try:
            return await waiter
        finally:
            job.waiters.remove(waiter)
            if not job.waiters and not job.over:
                self._waiting.discard(job)
                job.finish(None)

    def drain(self) -> None:
        """Admit nothing more; what was admitted is finished."""
        self.draining = True

    async def close(self, limit_s: float | None = None) -> None:
        """Finish what was admitted, and stop; threads that still work after `limit_s` are left alone."""
        self._waiting.close()
        await end_threads(self._devices, (self._encoders, self.walk_encoders), limit_s)

    def _admit(self, job: Job, flight: str | None, admission: Admission | None) -> None:
        count, requester = len(job.inputs), job.requester
        if admission is None:
            self.check_room(count, requester)
        else:
            self.room.give_back(admission.take(count), requester)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            for device in self._devices:
                device.start()
        self.room.take(count, requester)
        deadline = self._loop.call_later(self._timeout_s, self._expire, job)

        def leave() -> None:
            deadline.cancel()
            self.room.give_back(count, requester)
            if flight:
                del self._flights[flight]

        if flight:
            self._flights[flight] = job
        job.leave = leave
        self._waiting.add(job)

    def _expire(self, job: Job) -> None:
        self._waiting.discard(job)
        job.finish(DeadlineExceeded(f"The images were not ready within {self._timeout_s:g} s."))

    def _run_batches(self) -> None:
        """A device thread: take a batch, run it, pass it on; until the engine closes."""
        while (batch := self._waiting.take(self._max_batch_images)) is not None:
            try:
                images, labels = self._run(batch)
            except Exception:
                log.exception("a batch of %s failed", batch.generator.manifest.reference)
                error = GenerationFailed(
                    "The model could not generate this. It is logged under this request's id."
                )
                self._waiting.done()
                self._post([(part.work, error) for part in batch.slices])
                continue
            ended = time.perf_counter()
            idle = self._waiting.done()
            for group in group_by_images(self._hand_out(batch, images, labels), _ENCODE_GROUP_IMAGES):
                # The way through the pool costs more than small answers do, where this thread has a core of
                # its own and not a GPU that waits for it; and it is for nothing where the device is idle.
                if idle or (len(self._devices) > 1 and all(job.small for job in group)):
                    self._finish(group, ended)
                else:
                    self._encoders.submit(self._finish, group, ended)

    def _run(self, batch: Batch[Job]) -> tuple[Images, Weights | None]:
        started = time.perf_counter()
        for part in batch.slices:
            part.work.started = part.work.started or started
        inputs = batch.inputs()
        images = batch.generator.generate(inputs.latents, inputs.labels, alone=batch.alone)
        seconds = time.perf_counter() - started
        self._metrics.observe_batch(batch.generator.manifest.reference, len(images), seconds)
        rate = len(images) / seconds * (1 if batch.alone else len(self._devices))
        self._images_per_s = _RATE_MEMORY * self._images_per_s + (1 - _RATE_MEMORY) * rate
        return images, inputs.labels

    def _hand_out(self, batch: Batch[Job], images: Images, labels: Weights | None) -> list[Job]:
        """Give every work its images (rows, h, w, c); those that are complete now."""
        row, complete = 0, []
        with self._handing_out:
            for part in batch.slices:
                stop = row + part.stop - part.start
                part.work.add(part.start, images[row:stop], None if labels is None else labels[row:stop])
                row = stop
                if part.work.complete:
                    complete.append(part.work)
        return complete

    def _finish(self, jobs: list[Job], generated: float) -> None:
        """In the pool: encode what is complete, and send all answers to the event loop at once."""
        self._post([(job, encode_answer(job, generated)) for job in jobs if not job.over])

    def _post(self, answers: list[tuple[Job, Generated | GanymedeError]]) -> None:
        if self._loop is not None and answers:
            self._loop.call_soon_threadsafe(answer_all, answers)

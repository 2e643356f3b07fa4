"""The one way from inputs to images: admission, batches on the device, encoding, and the answer.

Every request passes the same stages. The event loop admits and waits, here; one thread per session takes
batches (`service.engine.batch_threads`); a pool encodes what is complete while the next batch runs.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from foundation.errors import DeadlineExceeded, Unavailable
from service.encoding.encoding_threads import EncodingThreads
from service.engine.admission import Admission, explain_full
from service.engine.batch_threads import BatchThreads
from service.engine.batching import WaitingJobs
from service.engine.jobs import Encode, Generated, Job, Rows, Runner
from service.engine.room import Room
from service.engine.thread_end import end_threads
from service.engine.yielding import yield_to_others
from service.metrics import Metrics


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
        turn_s: float | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Batches have at most `max_batch_images`, and with `turn_s` take a core about so long at most."""
        self.room = Room(max_queue_images)
        """For the images that were admitted and are not answered yet."""
        self._timeout_s = timeout_s
        metrics = metrics or Metrics()
        metrics.queue_images.set_function(lambda: self.room.held)
        self._waiting = WaitingJobs(devices=device_threads, turn_s=turn_s)
        self._flights: dict[str, Job] = {}
        self._encoders = ThreadPoolExecutor(encode_threads, thread_name_prefix="encode")
        self._large_encoders = EncodingThreads("encode-large", encode_threads, in_company=self._is_shared)
        self.walk_encoders = EncodingThreads(
            "walk", walk_threads, in_company=self._is_shared, initializer=yield_to_others
        )
        self._batches = BatchThreads(
            self._waiting,
            self._encoders,
            self._large_encoders,
            metrics,
            count=device_threads,
            max_batch_images=max_batch_images,
        )
        self.leaving = False
        """Whether the process is to end: it still takes what comes, and says that it should go elsewhere."""
        self.draining = False

    @property
    def waiting_images(self) -> int:
        """What `room` holds."""
        return self.room.held

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
        raise explain_full(room, count, requester, self._batches.images_per_s)

    def admit(
        self, count: int, requester: str | None = None, limit: asyncio.Timeout | None = None
    ) -> Admission:
        """Room for `count` images that come in parts: none is refused then, not even while draining.

        `limit` is the service's own for all of them.

        Raises:
            QueueFull, Unavailable: as `check_room`.
        """
        self.check_room(count, requester)
        return Admission(self.room, count, requester, limit)

    async def generate(
        self,
        generator: Runner,
        inputs: Rows,
        *,
        encode: Encode | None = None,
        pixels: int | None = None,
        flight: str | None = None,
        requester: str | None = None,
        admission: Admission | None = None,
    ) -> Generated:
        """The images of `inputs` in their order, and `encode` of them, away from the event loop.

        Of a graph that is no generator it is the numbers that it makes of them.

        `pixels` are those that `encode` goes through, of the images where none are given: what is large has
        threads of its own, in turns of requesters.

        Calls with the same `flight` (a name of the exact answer) share one run. When the last one who waits
        is cancelled, the work leaves the queue, and its requester's next goes behind that of others (not
        where the limit of the admission has passed). With an `admission` the images take of its room, else of
        what `requester` may have.

        Raises:
            QueueFull: no room; nothing was queued.
            DeadlineExceeded: the time limit passed; what still waited left the queue.
            GenerationFailed: the graph failed.
        """
        job = self._flights.get(flight) if flight else None
        if job is None:
            whose = admission.requester if admission else requester
            if pixels is None:
                image = generator.manifest.image
                pixels = len(inputs) * image.height * image.width
            job = Job(generator, inputs, whose, encode, pixels if encode else 0, generator.images_each)
            self._admit(job, flight, admission)
        waiter: asyncio.Future[Generated] = asyncio.get_running_loop().create_future()
        job.waiters.append(waiter)
        try:
            return await waiter
        finally:
            job.waiters.remove(waiter)
            if not job.waiters and not job.over:
                self._waiting.discard(job, given_up=not (admission and admission.expired))
                job.finish(None)

    def leave(self) -> None:
        """Admit as before, but let it be known that the end is near."""
        self.leaving = True

    def drain(self) -> None:
        """Admit nothing more; what was admitted is finished."""
        self.leaving = self.draining = True

    async def close(self, limit_s: float | None = None) -> None:
        """Finish what was admitted, and stop; threads that still work after `limit_s` are left alone."""
        self._waiting.close()
        pools = (self._encoders, self._large_encoders, self.walk_encoders)
        await end_threads(self._batches.threads, pools, limit_s)

    def _is_shared(self) -> bool:
        return self._waiting.in_company

    def _admit(self, job: Job, flight: str | None, admission: Admission | None) -> None:
        count, requester = job.cost, job.requester
        if admission is None:
            self.check_room(count, requester)
        else:
            self.room.give_back(admission.take(count), requester)
        loop = self._batches.start()
        self.room.take(count, requester)
        deadline = loop.call_later(self._timeout_s, self._expire, job)

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

"""Forming batches out of waiting work: by images, fairly, and never waiting for company.

A batch is taken at the moment when the device is free for it. So a request that comes alone starts at once,
and under load the batch has filled itself while the one before it ran; there is no timer.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from foundation.labels import Weights
from service.engine.jobs import Job, Made, Part, Runner
from service.engine.lines import Lines

_SMALLEST_PART = 8
"""Images that are not divided among devices any more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Parts of jobs that run through one generator together."""

    generator: Runner
    parts: Sequence[Part]
    alone: bool = True
    """No other batch runs or waits: this one may have all cores to itself."""

    def run(self) -> tuple[Made, Weights | None]:
        """What all parts give, one after the other."""
        return self.generator.run([part.inputs() for part in self.parts], alone=self.alone)


class WaitingJobs:
    """The queue between the event loop, which adds, and the device's threads, which take batches."""

    def __init__(self, *, devices: int = 1) -> None:
        """`devices` threads take batches, side by side."""
        self._devices = devices
        self._queues: OrderedDict[Runner, Lines] = OrderedDict()
        self._closed = False
        self._running = 0
        self._changed = threading.Condition()

    def add(self, job: Job) -> None:
        """Let `job` wait for its next batch."""
        with self._changed:
            lines = self._queues.get(job.generator)
            if lines is None:
                lines = self._queues[job.generator] = Lines(images_each=job.images_each)
            lines.add(job)
            self._changed.notify()

    def discard(self, job: Job) -> None:
        """Take `job` out, if it still waits: its rows cost nothing any more."""
        with self._changed:
            lines = self._queues.get(job.generator)
            if lines is not None:
                lines.discard(job)
                if not lines.rows:
                    del self._queues[job.generator]

    def close(self) -> None:
        """Let `take` return None once nothing waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, max_images: int) -> Batch | None:
        """The next batch of at most `max_images`, blocking until there is work; None after `close`.

        Generators take turns, and so do the requesters of each (`service.engine.lines`). A batch
        must be given back by `done`.
        """
        with self._changed:
            while not self._queues:
                if self._closed:
                    return None
                self._changed.wait()
            generator, lines = self._queues.popitem(last=False)
            # What waits is shared with the other devices: one that took it all would leave them idle while
            # it encodes, and then all answers, and all new requests, would come at once.
            most = max(1, max_images // lines.images_each)
            parts = lines.take(min(most, max(_SMALLEST_PART, -(-lines.rows // self._devices))))
            if lines.rows:
                self._queues[generator] = lines
                self._changed.notify()
            self._running += 1
            return Batch(generator, parts, alone=self._running == 1 and not self._queues)

    def done(self) -> bool:
        """A batch that was taken has run; whether nothing waits now."""
        with self._changed:
            self._running -= 1
            return not self._queues


def group_by_images(jobs: Sequence[Job], max_images: int) -> Iterator[list[Job]]:
    """Jobs in runs of at most `max_images` images, or of one larger job."""
    group: list[Job] = []
    images = 0
    for job in jobs:
        if group and images + job.taken > max_images:
            yield group
            group, images = [], 0
        group.append(job)
        images += job.taken
    if group:
        yield group

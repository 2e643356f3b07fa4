"""Forming batches out of waiting work: by images, fairly, and never waiting for company.

A batch is taken at the moment when the device is free for it. So a request that comes alone starts at once,
and under load the batch has filled itself while the one before it ran; there is no timer.
"""

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from foundation.labels import Weights
from service.engine.jobs import Job, Made, Part, Runner
from service.engine.lines import Lines

_SMALLEST_PART = 8
"""Images that are not divided among devices any more."""

_SPEED_MEMORY = 0.8
_COMPANY_S = 10.0
"""So long after two requesters came one after the other, each is taken to come again."""


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

    def __init__(self, *, devices: int = 1, turn_s: float | None = None) -> None:
        """`devices` threads take batches, side by side.

        While there is more than one requester, a batch takes about `turn_s` at most, with None any time.
        """
        self._devices = devices
        self._turn_s = turn_s
        self._image_s = weakref.WeakKeyDictionary[Runner, float]()
        """What an image of each has taken lately."""
        self._latest: str | None = None
        self._company_until_s = 0.0
        self._queues: OrderedDict[Runner, Lines] = OrderedDict()
        self._closed = False
        self._running = 0
        self._changed = threading.Condition()

    def add(self, job: Job) -> None:
        """Let `job` wait for its next batch."""
        with self._changed:
            if job.requester != self._latest:
                self._latest, self._company_until_s = job.requester, time.monotonic() + _COMPANY_S
            lines = self._queues.get(job.generator)
            if lines is None:
                lines = self._queues[job.generator] = Lines(images_each=job.images_each)
            lines.add(job)
            self._changed.notify()

    def discard(self, job: Job, *, given_up: bool = False) -> None:
        """Take `job` out, if it still waits: its rows take no time of a device any more.

        `given_up` says that those who waited for it left; see `Lines.discard`.
        """
        with self._changed:
            lines = self._queues.get(job.generator)
            if lines is not None:
                lines.discard(job, given_up=given_up)
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
            share = max(_SMALLEST_PART, -(-lines.rows // self._devices))
            parts = lines.take(min(most, share, self._turn(generator, most)), most)
            if lines.rows:
                self._queues[generator] = lines
                self._changed.notify()
            self._running += 1
            return Batch(generator, parts, alone=self._running == 1 and not self._queues)

    def note(self, generator: Runner, image_s: float) -> None:
        """Each image of a batch took so long: `turn_s` is held by that from now on."""
        with self._changed:
            before = self._image_s.get(generator, image_s)
            self._image_s[generator] = _SPEED_MEMORY * before + (1 - _SPEED_MEMORY) * image_s

    def _turn(self, generator: Runner, max_images: int) -> int:
        image_s = self._image_s.get(generator)
        if self._turn_s is None or not image_s or time.monotonic() > self._company_until_s:
            return max_images
        return max(1, round(self._turn_s / image_s))

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

"""Forming batches out of waiting work: by images, fairly, and never waiting for company.

A batch is taken at the moment when the device is free for it. So a request that comes alone starts at once,
and under load the batch has filled itself while the one before it ran; there is no timer.
"""

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from foundation.labels import Weights
from service.engine.jobs import Job, Made, Part, Runner
from service.engine.lines import Lines

_SMALLEST_PART = 8
"""Images that are not divided among devices any more."""

_SPEED_MEMORY = 0.8
_COMPANY_S = 10.0
"""So long after two requesters came one after the other, each is taken to come again."""

_RESTLESS_S = 2.0
"""So long after a requester gave up what he had asked for, he is taken to do it again."""

_REST_S = 0.02
"""So long after a batch for others all devices wait for their next: they may ask at a pace."""

_LOOK_EVERY_S = 0.5
"""Whether those who were held back may go on."""

_MOST_RESTLESS = 64
_RESTLESS_TURN = 0.5
"""Of the turn of another: it may have to be waited for by one who comes while it runs."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Parts of jobs that run through one generator together."""

    generator: Runner
    parts: Sequence[Part]
    alone: bool = True
    """No other batch runs or waits that matters: this one may have all cores to itself."""
    restless: bool = False
    """It is for one who gives up what he asks for, beside others who do not."""

    def run(self) -> tuple[Made, Weights | None]:
        """What all parts give, one after the other."""
        return self.generator.run([part.inputs() for part in self.parts], alone=self.alone)


class WaitingJobs:
    """The queue between the event loop, which adds, and the device's threads, which take batches."""

    def __init__(self, *, devices: int = 1, turn_s: float | None = None) -> None:
        """`devices` threads take batches, side by side.

        While there is more than one requester, a batch takes about `turn_s` at most, and holds what one of
        them asked for beside what others have whole; with None any time, and it is filled. Then, too, the
        restless, who give up what they ask for, run where no other does or just did, on all devices but one.
        """
        self._devices = devices
        self._turn_s = turn_s
        self._image_s = weakref.WeakKeyDictionary[Runner, float]()
        """What an image of each has taken lately."""
        self._latest: str | None = None
        self._company_until_s = 0.0
        self._restless_until_s: dict[str | None, float] = {}
        self._queues: OrderedDict[Runner, Lines] = OrderedDict()
        self._closed = False
        self._running: list[Batch] = []
        self._rests_until_s = 0.0
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
            if given_up:
                self._note_restless(job.requester)
            lines = self._queues.get(job.generator)
            if lines is not None:
                lines.discard(job, given_up=given_up)
                if not lines.rows:
                    del self._queues[job.generator]
            self._wake_last()

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
            restless = self._find_restless()
            while (generator := self._choose(restless, now_s := time.monotonic())) is None:
                if self._closed and not self._queues:
                    return None
                self._changed.wait(self._look_again_s(now_s) if self._queues else None)
                restless = self._find_restless()
            lines = self._queues.pop(generator)
            for other in self._queues.values():
                if not other.has_free(restless):
                    other.pass_over()
            # What waits is shared with the other devices: one that took it all would leave them idle while
            # it encodes, and then all answers, and all new requests, would come at once.
            most = max(1, max_images // lines.images_each)
            share = max(_SMALLEST_PART, -(-lines.rows // self._devices))
            free = lines.has_free(restless)
            budget = min(most, share, self._turn(generator, most, part=1.0 if free else _RESTLESS_TURN))
            held = restless if free else ()
            parts = lines.take(budget, most, held=held, filled=not self._is_shared)
            if lines.rows:
                self._queues[generator] = lines
            if self._queues:
                self._changed.notify()
            self._wake_last()
            batch = Batch(generator, parts, *self._rate(parts[0].job.requester, restless))
            self._running.append(batch)
            return batch

    def note(self, generator: Runner, image_s: float) -> None:
        """Each image of a batch took so long: `turn_s` is held by that from now on."""
        with self._changed:
            before = self._image_s.get(generator, image_s)
            self._image_s[generator] = _SPEED_MEMORY * before + (1 - _SPEED_MEMORY) * image_s

    def done(self, batch: Batch) -> bool:
        """`batch`, which was taken, has run; whether nothing waits now."""
        with self._changed:
            self._running.remove(batch)
            if not batch.restless:
                self._rests_until_s = time.monotonic() + _REST_S
            if self._queues:
                self._changed.notify_all()  # who was held back may go on
            return not self._queues

    def _wake_last(self) -> None:
        """Let all threads see that there is nothing left to wait for, where that is so."""
        if self._closed and not self._queues:
            self._changed.notify_all()

    @property
    def in_company(self) -> bool:
        """Whether several requesters ask, as far as can be told."""
        return time.monotonic() <= self._company_until_s

    @property
    def _is_shared(self) -> bool:
        """Whether they do, on a device where images cost hardly more in two batches than in one."""
        return self._turn_s is not None and self.in_company

    def _turn(self, generator: Runner, max_images: int, *, part: float) -> int:
        image_s = self._image_s.get(generator)
        if self._turn_s is None or not image_s or not self._is_shared:
            return max_images
        return max(1, round(part * self._turn_s / image_s))

    def _choose(self, restless: Collection[str | None], now_s: float) -> Runner | None:
        """The next generator with work for who is not `restless`, else for one who is, if that may run."""
        for generator, lines in self._queues.items():
            if lines.has_free(restless):
                return generator
        free = self._devices == 1 or len(self._running) + 1 < self._devices
        rests = self._rests_until_s > now_s
        return next(iter(self._queues), None) if free and self._is_quiet and not rests else None

    def _look_again_s(self, now_s: float) -> float:
        """Until a hold may have ended, of which nothing tells."""
        rest_s = self._rests_until_s - now_s
        return rest_s if 0 < rest_s < _LOOK_EVERY_S else _LOOK_EVERY_S

    @property
    def _is_quiet(self) -> bool:
        """Whether no batch runs but of the restless."""
        return all(batch.restless for batch in self._running)

    def _rate(self, requester: str | None, restless: Collection[str | None]) -> tuple[bool, bool]:
        """Whether a batch of `requester` is alone, and whether it is one of the `restless`."""
        if requester in restless:
            return False, True
        waits = any(lines.has_free(restless) for lines in self._queues.values())
        return self._is_quiet and not waits, False

    def _find_restless(self) -> Collection[str | None]:
        """Who has given up lately what he asked for, where that matters to others."""
        if not self._restless_until_s or not self._is_shared:
            return ()
        now = time.monotonic()
        return {requester for requester, until_s in self._restless_until_s.items() if until_s > now}

    def _note_restless(self, requester: str | None) -> None:
        self._restless_until_s.pop(requester, None)  # the latest stands last
        self._restless_until_s[requester] = time.monotonic() + _RESTLESS_S
        if len(self._restless_until_s) > _MOST_RESTLESS:
            del self._restless_until_s[next(iter(self._restless_until_s))]


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

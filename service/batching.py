"""Forming batches out of waiting work: by images, fairly, and never waiting for company.

A batch is taken at the moment when the device is free for it. So a request that comes alone starts at once,
and under load the batch has filled itself while the one before it ran; there is no timer.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from service.generator import Generator, Images
from service.inputs import Inputs
from service.labels import Weights
from service.rows import AnyInputs, Rows, join_rows

_SMALLEST_PART = 8
"""Images that are not divided among devices any more."""


@dataclass(eq=False, slots=True)
class Work:
    """Inputs on their way through one generator, and the images that are there already."""

    generator: Generator
    inputs: AnyInputs
    taken: int = 0
    """Rows that are in a batch, or were."""
    parts: dict[int, tuple[Images, Weights | None]] = field(default_factory=dict)
    """Images and classes by first row: with several device threads, batches may come back out of order."""
    images_done: int = 0

    @property
    def waiting(self) -> int:
        """Rows that no batch has taken yet."""
        return len(self.inputs) - self.taken

    @property
    def complete(self) -> bool:
        """Whether every row's image is there."""
        return self.images_done == len(self.inputs)

    def add(self, start: int, images: Images, labels: Weights | None) -> None:
        """Take the images of the rows from `start` on, and the weights of their classes."""
        self.parts[start] = images, labels
        self.images_done += len(images)

    def joined(self) -> tuple[Images, Weights | None]:
        """All images uint8 (n, h, w, c) and the weights float32 (n, classes) they have, once complete."""
        if len(self.parts) == 1:
            return self.parts[0]
        parts = [self.parts[start] for start in sorted(self.parts)]
        labels = [weights for _, weights in parts if weights is not None]
        return np.concatenate([images for images, _ in parts]), np.concatenate(labels) if labels else None


AnyWork = TypeVar("AnyWork", bound=Work)


@dataclass(frozen=True, slots=True)
class Slice(Generic[AnyWork]):
    """Rows `start` to `stop` of a work, as they lie in a batch."""

    work: AnyWork
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Batch(Generic[AnyWork]):
    """Slices that run through one generator together."""

    generator: Generator
    slices: Sequence[Slice[AnyWork]]
    alone: bool = True
    """No other batch runs or waits: this one may have all cores to itself."""

    def inputs(self) -> Inputs:
        """The inputs of all slices, drawn where they still are seeds."""
        rows = [Rows(part.work.inputs, part.start, part.stop) for part in self.slices]
        return join_rows(self.generator.manifest, rows)


class WaitingWork(Generic[AnyWork]):
    """The queue between the event loop, which adds, and the device's threads, which take batches."""

    def __init__(self, *, devices: int = 1) -> None:
        """`devices` threads take batches, side by side."""
        self._devices = devices
        self._queues: OrderedDict[Generator, deque[AnyWork]] = OrderedDict()
        self._closed = False
        self._running = 0
        self._changed = threading.Condition()

    def add(self, work: AnyWork) -> None:
        """Let `work` wait for its next batch."""
        with self._changed:
            self._queues.setdefault(work.generator, deque()).append(work)
            self._changed.notify()

    def discard(self, work: AnyWork) -> None:
        """Take `work` out, if it still waits: its rows cost nothing any more."""
        with self._changed:
            queue = self._queues.get(work.generator)
            if queue is None or work not in queue:
                return
            queue.remove(work)
            if not queue:
                del self._queues[work.generator]

    def close(self) -> None:
        """Let `take` return None once nothing waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, max_images: int) -> Batch[AnyWork] | None:
        """The next batch of at most `max_images`, blocking until there is work; None after `close`.

        Generators take turns. Within one, small works are served whole, and the rest of the batch is the
        oldest large one's; what is left of that goes behind those that have not had their turn. Each batch
        must be given back by `done`.
        """
        with self._changed:
            while not self._queues:
                if self._closed:
                    return None
                self._changed.wait()
            generator, queue = self._queues.popitem(last=False)
            # What waits is shared with the other devices: one that took it all would leave them idle while
            # it encodes, and then all answers, and all new requests, would come at once.
            waiting = sum(work.waiting for work in islice(queue, self._devices * max_images))
            budget = min(max_images, max(_SMALLEST_PART, -(-waiting // self._devices)))
            works = list(islice(queue, budget))
            shares = share_rows([work.waiting for work in works], budget)
            slices, unserved = [], []
            for work, rows in zip(works, shares, strict=True):
                queue.popleft()
                if not rows:
                    unserved.append(work)
                    continue
                slices.append(Slice(work, work.taken, work.taken + rows))
                work.taken += rows
                if work.waiting:
                    queue.append(work)
            queue.extendleft(reversed(unserved))
            if queue:
                self._queues[generator] = queue
                self._changed.notify()
            self._running += 1
            return Batch(generator, slices, alone=self._running == 1 and not self._queues)

    def done(self) -> bool:
        """A batch that was taken has run; whether nothing waits now."""
        with self._changed:
            self._running -= 1
            return not self._queues


def share_rows(waiting: Sequence[int], budget: int) -> list[int]:
    """Share `budget` rows among works in their order: whole small ones first, then the oldest large one.

    `waiting` are rows per work, each at least 1, of at most `budget` works. A work that needs no more than an
    equal part of the budget gets all it needs; what is left goes to the others, the first one first.
    """
    fair = max(1, budget // len(waiting))
    shares = [rows if rows <= fair else 0 for rows in waiting]
    left = budget - sum(shares)
    for index, rows in enumerate(waiting):
        if not shares[index]:
            shares[index] = min(rows, left)
            left -= shares[index]
    return shares


def group_by_images(works: Sequence[AnyWork], max_images: int) -> Iterator[list[AnyWork]]:
    """Works in runs of at most `max_images` images, or of one larger work."""
    group: list[AnyWork] = []
    images = 0
    for work in works:
        if group and images + work.taken > max_images:
            yield group
            group, images = [], 0
        group.append(work)
        images += work.taken
    if group:
        yield group

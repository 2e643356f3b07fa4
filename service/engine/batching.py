"""Forming batches out of waiting work: by images, fairly, and never waiting for company.

A batch is taken at the moment when the device is free for it. So a request that comes alone starts at once,
and under load the batch has filled itself while the one before it ran; there is no timer.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from service.engine.generator import Generator
from service.engine.lines import AnyWork, Lines, Slice, Work, share_rows
from service.engine.rows import Rows, join_rows
from service.requests.inputs import Inputs

__all__ = ["Batch", "Slice", "WaitingWork", "Work", "group_by_images", "share_rows"]

_SMALLEST_PART = 8
"""Images that are not divided among devices any more."""


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
        self._queues: OrderedDict[Generator, Lines[AnyWork]] = OrderedDict()
        self._closed = False
        self._running = 0
        self._changed = threading.Condition()

    def add(self, work: AnyWork) -> None:
        """Let `work` wait for its next batch."""
        with self._changed:
            lines = self._queues.get(work.generator)
            if lines is None:
                lines = self._queues[work.generator] = Lines()
            lines.add(work)
            self._changed.notify()

    def discard(self, work: AnyWork) -> None:
        """Take `work` out, if it still waits: its rows cost nothing any more."""
        with self._changed:
            lines = self._queues.get(work.generator)
            if lines is not None:
                lines.discard(work)
                if not lines.rows:
                    del self._queues[work.generator]

    def close(self) -> None:
        """Let `take` return None once nothing waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, max_images: int) -> Batch[AnyWork] | None:
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
            slices = lines.take(min(max_images, max(_SMALLEST_PART, -(-lines.rows // self._devices))))
            if lines.rows:
                self._queues[generator] = lines
                self._changed.notify()
            self._running += 1
            return Batch(generator, slices, alone=self._running == 1 and not self._queues)

    def done(self) -> bool:
        """A batch that was taken has run; whether nothing waits now."""
        with self._changed:
            self._running -= 1
            return not self._queues


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

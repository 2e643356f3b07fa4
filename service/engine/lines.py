"""Who waits for one generator, in a line for each requester; the lines take turns."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from foundation.images import Images
from foundation.labels import Weights
from service.engine.generator import Generator
from service.engine.rows import AnyInputs


@dataclass(eq=False, slots=True)
class Work:
    """Inputs on their way through one generator, and the images that are there already."""

    generator: Generator
    inputs: AnyInputs
    requester: str | None = None
    """Whose it is; see `service.http.requesters`."""
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


class Line(Generic[AnyWork]):
    """The works of one requester, and how many of their `rows` no batch has taken yet."""

    def __init__(self) -> None:
        self.works = deque[AnyWork]()
        self.rows = 0

    def take(self, budget: int) -> list[Slice[AnyWork]]:
        """At most `budget` rows: small works whole, and the rest the oldest large one's.

        What is left of that goes behind those that have not had their turn.
        """
        queue = self.works
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
            self.rows -= rows
            if work.waiting:
                queue.append(work)
        queue.extendleft(reversed(unserved))
        return slices


class Lines(Generic[AnyWork]):
    """The lines of all requesters, and how many `rows` wait in them."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str | None, Line[AnyWork]] = OrderedDict()
        self.rows = 0

    def add(self, work: AnyWork) -> None:
        """Let `work` wait behind what its requester has here already."""
        line = self._lines.get(work.requester)
        if line is None:
            line = self._lines[work.requester] = Line()
        line.works.append(work)
        line.rows += work.waiting
        self.rows += work.waiting

    def discard(self, work: AnyWork) -> None:
        """Take `work` out, if it still waits."""
        line = self._lines.get(work.requester)
        if line is None or work not in line.works:
            return
        line.works.remove(work)
        line.rows -= work.waiting
        self.rows -= work.waiting
        if not line.works:
            del self._lines[work.requester]

    def take(self, budget: int) -> list[Slice[AnyWork]]:
        """At most `budget` rows: all of requesters who ask for little, and the rest the next one's.

        So one who asks for a thousand images, at once or one by one, takes turns with each of the others.
        """
        served = list(islice(self._lines.items(), budget))
        shares = share_rows([line.rows for _, line in served], budget)
        slices = []
        for (requester, line), rows in zip(served, shares, strict=True):
            if not rows:
                continue
            slices += line.take(rows)
            self.rows -= rows
            if line.works:
                self._lines.move_to_end(requester)
            else:
                del self._lines[requester]
        return slices


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

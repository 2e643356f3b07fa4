"""Who waits for one generator, in a line for each requester; the lines take turns."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import islice

from service.engine.jobs import Job, Part


class Line:
    """The jobs of one requester, and how many of their `rows` no batch has taken yet."""

    def __init__(self) -> None:
        self.jobs = deque[Job]()
        self.rows = 0

    def take(self, budget: int) -> list[Part]:
        """At most `budget` rows: small jobs whole, and the rest the oldest large one's.

        What is left of that goes behind those that have not had their turn.
        """
        queue = self.jobs
        jobs = list(islice(queue, budget))
        shares = share_rows([job.waiting for job in jobs], budget)
        parts, unserved = [], []
        for job, rows in zip(jobs, shares, strict=True):
            queue.popleft()
            if not rows:
                unserved.append(job)
                continue
            parts.append(job.take(rows))
            self.rows -= rows
            if job.waiting:
                queue.append(job)
        queue.extendleft(reversed(unserved))
        return parts


class Lines:
    """The lines of all requesters, and how many `rows` wait in them."""

    def __init__(self, *, images_each: int = 1) -> None:
        """`images_each` is what a row costs, in drawings."""
        self._lines: OrderedDict[str | None, Line] = OrderedDict()
        self.images_each = images_each
        self.rows = 0

    def add(self, job: Job) -> None:
        """Let `job` wait behind what its requester has here already."""
        line = self._lines.get(job.requester)
        if line is None:
            line = self._lines[job.requester] = Line()
        line.jobs.append(job)
        line.rows += job.waiting
        self.rows += job.waiting

    def discard(self, job: Job) -> None:
        """Take `job` out, if it still waits."""
        line = self._lines.get(job.requester)
        if line is None or job not in line.jobs:
            return
        line.jobs.remove(job)
        line.rows -= job.waiting
        self.rows -= job.waiting
        if not line.jobs:
            del self._lines[job.requester]

    def take(self, budget: int) -> list[Part]:
        """At most `budget` rows: all of requesters who ask for little, and the rest the next one's.

        So one who asks for a thousand images, at once or one by one, takes turns with each of the others.
        """
        served = list(islice(self._lines.items(), budget))
        shares = share_rows([line.rows for _, line in served], budget)
        parts = []
        for (requester, line), rows in zip(served, shares, strict=True):
            if not rows:
                continue
            parts += line.take(rows)
            self.rows -= rows
            if line.jobs:
                self._lines.move_to_end(requester)
            else:
                del self._lines[requester]
        return parts


def share_rows(waiting: Sequence[int], budget: int) -> list[int]:
    """Share `budget` rows among jobs in their order: whole small ones first, then the oldest large one.

    `waiting` are rows per job, each at least 1, of at most `budget` jobs. A job that needs no more than an
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

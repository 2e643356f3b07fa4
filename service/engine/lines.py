"""Who waits for one generator, in a line for each requester; who had least lately is served first."""

import heapq
from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice

from service.engine.jobs import Job, Part

_REMEMBERED = 64
"""Requesters without a line whose service is remembered, beside as many as there are lines."""

_MOST_GIVEN_UP = 1024
"""Rows that one can be behind others for having left: about a second of a small graph on a processor."""

_PASSED_OVER = 3
"""Batches, for each line that waits: so often newcomers go before a line that was there."""


class Line:
    """The jobs of one requester, and how many of their `rows` no batch has taken yet."""

    def __init__(self, requester: str | None, served: int, batch: int) -> None:
        self.requester = requester
        self.served = served
        """Rows that it has had, and where it began; see `Lines`."""
        self.batch = batch
        """The number of the last one that it was in, or that ran as it came."""
        self.jobs = deque[Job]()
        self.rows = 0

    def take(self, budget: int, turn: int) -> list[Part]:
        """At most `budget` rows: small jobs whole, and the rest the oldest large one's.

        What is left of that stays in front until it has had `turn` rows, in one batch or in several; then it
        goes behind those that have not had theirs.
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
            if job.waiting and job.taken % turn < rows:  # it has had a turn
                queue.append(job)
            elif job.waiting:
                unserved.insert(0, job)
        queue.extendleft(reversed(unserved))
        return parts


class Lines:
    """The lines of all requesters, and how many `rows` wait in them.

    The line that has had the fewest rows is served first, of equal ones the shorter; who comes anew begins
    level with the one that is being served (start-time fair queueing; Goyal, Vin and Cheng, 1996). So one who
    asks now and then goes before one who asks all the time, and nobody gains by coming and going, nor by
    giving up what he asked for.
    """

    def __init__(self, *, images_each: int = 1) -> None:
        """`images_each` is what a row costs, in drawings."""
        self.images_each = images_each
        self._lines: dict[str | None, Line] = {}
        self._level = 0
        """What the line that was served last had had before."""
        self._ahead: dict[str | None, int] = {}
        """What those had had who have no line any more, if that is more."""
        self._batch = 0
        self.rows = 0

    def add(self, job: Job) -> None:
        """Let `job` wait behind what its requester has here already."""
        line = self._lines.get(job.requester)
        if line is None:
            served = max(self._level, self._ahead.pop(job.requester, 0))
            line = self._lines[job.requester] = Line(job.requester, served, self._batch)
        line.jobs.append(job)
        line.rows += job.waiting
        self.rows += job.waiting

    def discard(self, job: Job, *, given_up: bool = False) -> None:
        """Take `job` out, if it still waits.

        Where nobody waits for it any more, because those who did have `given_up`, what it still wanted counts
        as served, within a bound: who asks for much and leaves at once, over and over, would else have half
        of a device beside one who waits for his answers.
        """
        line = self._lines.get(job.requester)
        if line is None or job not in line.jobs:
            return
        line.jobs.remove(job)
        line.rows -= job.waiting
        self.rows -= job.waiting
        if given_up:
            line.served = max(line.served, min(line.served + job.waiting, self._level + _MOST_GIVEN_UP))
        if not line.jobs:
            self._end(line)

    def has_free(self, held: Collection[str | None]) -> bool:
        """Whether anyone waits whom nothing holds back; see `take`."""
        return not held or any(self._is_free(line, held) for line in self._lines.values())

    def pass_over(self) -> None:
        """Note that a batch was for others, because all here are held back; none is for ever."""
        self._batch += 1

    def take(
        self, budget: int, turn: int, *, held: Collection[str | None] = (), filled: bool = True
    ) -> list[Part]:
        """At most `budget` rows: all of requesters who ask for little, and the rest the next one's.

        So one who asks for a thousand images, at once or one by one, takes turns with each of the others. Of
        a requester's own large jobs each has `turn` rows before the next. Who is `held` back has none, but
        for a turn now and then; there must be one who is not. Unless the batch is to be `filled`, nobody
        waits for a part of what another asked for in it.
        """
        free = [line for line in self._lines.values() if self._is_free(line, held)]
        self._batch += 1
        first = heapq.nsmallest(budget, free, key=self._rank)
        shares = share_rows([line.rows for line in first], budget)
        if not filled:
            shares[1:] = [
                rows if rows == line.rows else 0 for line, rows in zip(first[1:], shares[1:], strict=True)
            ]
        self._level = max(self._level, first[0].served)
        parts = []
        for line, rows in zip(first, shares, strict=True):
            if not rows:
                continue
            parts += line.take(rows, turn)
            line.served += rows
            line.batch = self._batch
            self.rows -= rows
            if not line.jobs:
                self._end(line)
        return parts

    def _rank(self, line: Line) -> tuple[int, int, int]:
        return line.batch if self._is_passed_over(line) else self._batch, line.served, line.rows

    def _is_free(self, line: Line, held: Collection[str | None]) -> bool:
        return line.requester not in held or self._is_passed_over(line)

    def _is_passed_over(self, line: Line) -> bool:
        return self._batch - line.batch > _PASSED_OVER * len(self._lines)

    def _end(self, line: Line) -> None:
        del self._lines[line.requester]
        self._ahead[line.requester] = line.served
        if len(self._ahead) > _REMEMBERED + len(self._lines):
            del self._ahead[next(iter(self._ahead))]


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

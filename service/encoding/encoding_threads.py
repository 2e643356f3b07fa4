"""Threads that encode for all: requesters take turns, and what is long leaves a thread to the others."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")

SHORT_PIXELS = 2**20
"""A turn of no more is short: of a core 2 ms of PNG, 30 of MP4, 70 of WebP or of a GIF in colours."""

_REMEMBERED = 64
"""Requesters without a line whose service is remembered, beside as many as there are lines."""

_PASSED_OVER = 3
"""Turns, for each line that waits: so often newcomers go before a line that was there."""


@dataclass(order=True, slots=True)
class _Turn:
    """A call that waits for a thread, or is in one."""

    since: float
    number: int
    pixels: int = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    done: Future[Any] = field(compare=False, default_factory=Future)

    def run(self) -> None:
        """Call it, unless nobody waits any more."""
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            result = self.work()
        except BaseException as error:  # whoever waits gets it
            self.done.set_exception(error)
        else:
            self.done.set_result(result)


@dataclass(slots=True)
class _Line:
    """The turns of one requester, the oldest work first."""

    served: int
    """Pixels that it has had, and where it began; see `EncodingThreads`."""
    latest: int
    """The number of its last turn, or of the one that was given as it came."""
    turns: list[_Turn] = field(default_factory=list)
    running: int = 0


class EncodingThreads:
    """A pool of threads whose next turn is that of the requester who had the fewest pixels encoded lately.

    Who comes anew begins level with the one that is being served (start-time fair queueing; Goyal, Vin and
    Cheng, 1996): he waits for a turn that runs, and not for all who have had many. While several ask for
    pictures, each has one thread fewer than there are, and so have all turns together that are not short.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        in_company: Callable[[], bool] = lambda: False,
        initializer: Callable[[], None] | None = None,
    ) -> None:
        """`in_company` says whether several requesters ask for pictures; `initializer` is called in each."""
        self._threads = threads
        self._in_company = in_company
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=initializer)
        self._lines: dict[str | None, _Line] = {}
        self._ahead: dict[str | None, int] = {}
        """What those had had who have no line any more."""
        self._level = 0
        """What the line that was served last had had before."""
        self._given = 0
        self._long = 0
        """Turns that run and are not short."""
        self._held = 0
        """Threads that found only turns which must wait for others to end: the next that ends goes on."""
        self._numbers = itertools.count()
        self._state = threading.Lock()

    def submit(
        self,
        function: Callable[..., Result],
        *args: Any,
        requester: str | None = None,
        pixels: int = 0,
        since: float | None = None,
    ) -> Future[Result]:
        """Call `function` in a turn of `requester` that goes through so many `pixels`.

        Of a requester's the one goes first whose work began first: `since` is then (`time.perf_counter`).

        Raises:
            RuntimeError: the threads have ended, or the system has no more.
        """
        began = time.perf_counter() if since is None else since
        turn = _Turn(began, next(self._numbers), pixels, partial(function, *args))
        with self._state:
            heapq.heappush(self._line_of(requester).turns, turn)
        turn.done.add_done_callback(partial(self._forget, requester, turn.number))  # no turn: no circle
        try:
            self._pool.submit(self._work)
        except BaseException:
            if turn.done.cancel():  # else a thread that ends has taken it
                raise
        return turn.done

    def shutdown(self, *, wait: bool = True, cancel_futures: bool = False) -> None:
        """Take nothing more; what was submitted is done, or with `cancel_futures` dropped if it waits."""
        # First, so that none comes after those that are dropped.
        self._pool.shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            with self._state:
                waiting = [turn for line in self._lines.values() for turn in line.turns]
            for turn in waiting:
                turn.done.cancel()
        if wait:
            self._pool.shutdown()

    def _work(self) -> None:
        """In the pool, once for each turn: the next one, and then those that waited for its end."""
        begun = self._begin()
        while begun is not None:
            line, turn = begun
            turn.run()
            begun = self._go_on(line, turn)

    def _begin(self) -> tuple[str | None, _Turn] | None:
        with self._state:
            begun = self._take()
            if begun is None:
                self._held = self._held + 1 if any(line.turns for line in self._lines.values()) else 0
            return begun

    def _go_on(self, requester: str | None, turn: _Turn) -> tuple[str | None, _Turn] | None:
        with self._state:
            self._lines[requester].running -= 1
            self._long -= turn.pixels > SHORT_PIXELS
            self._end_line(requester)
            begun = self._take() if self._held else None
            self._held -= begun is not None
        if begun is not None:
            self._call_back()
        return begun

    def _call_back(self) -> None:
        """Let one more thread look, if some found nothing before: an end may let several turns begin."""
        with self._state:
            if not self._held:
                return
            self._held -= 1
        try:
            self._pool.submit(self._work)
        except RuntimeError:  # the threads end: those that still work go on until nothing waits
            with self._state:
                self._held += 1

    def _take(self) -> tuple[str | None, _Turn] | None:
        most = self._threads - 1 if self._threads > 1 and self._in_company() else self._threads
        free = [whose for whose, line in self._lines.items() if line.turns and self._may(line, most)]
        if not free:
            return None
        requester = min(free, key=self._rank)
        line = self._lines[requester]
        turn = heapq.heappop(line.turns)
        self._given += 1
        self._level = max(self._level, line.served)
        line.served, line.latest, line.running = line.served + turn.pixels, self._given, line.running + 1
        self._long += turn.pixels > SHORT_PIXELS
        return requester, turn

    def _may(self, line: _Line, most: int) -> bool:
        """Whether its next turn may begin, where each requester and all long turns have `most` threads."""
        return line.running < most and (line.turns[0].pixels <= SHORT_PIXELS or self._long < most)

    def _rank(self, requester: str | None) -> tuple[int, int, int]:
        line = self._lines[requester]
        passed_over = self._given - line.latest > _PASSED_OVER * len(self._lines)
        return line.latest if passed_over else self._given, line.served, line.turns[0].pixels

    def _line_of(self, requester: str | None) -> _Line:
        line = self._lines.get(requester)
        if line is None:
            served = max(self._level, self._ahead.pop(requester, 0))
            line = self._lines[requester] = _Line(served, self._given)
        return line

    def _forget(self, requester: str | None, number: int, done: Future[Any]) -> None:
        """Let go of a turn that was cancelled before it came."""
        if done.cancelled():
            with self._state:
                line = self._lines.get(requester)
                if line is not None:
                    line.turns = [turn for turn in line.turns if turn.number != number]
                    heapq.heapify(line.turns)
                    self._end_line(requester)

    def _end_line(self, requester: str | None) -> None:
        line = self._lines[requester]
        if not line.turns and not line.running:
            del self._lines[requester]
            self._ahead[requester] = line.served
            if len(self._ahead) > _REMEMBERED + len(self._lines):
                del self._ahead[next(iter(self._ahead))]

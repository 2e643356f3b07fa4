"""Threads for what may take long or never end, apart from those that pictures need."""

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from foundation.errors import Unavailable
from service.engine.room import Room

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_RETRY_AFTER_S = 5


class Threads:
    """Runs blocking calls off the event loop, a few side by side; the others wait a little, or are refused.

    Every call has a daemon thread of its own: one that hangs keeps neither the process from ending nor, once
    it counts as slow, the next call from beginning. To be used from one event loop.
    """

    def __init__(
        self,
        name: str,
        *,
        max_running: int,
        max_waiting: int,
        wait_s: float | None = None,
        slow_s: float | None = None,
        max_alive: int | None = None,
        max_each: int | None = None,
        whose: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`wait_s` is how long a call may wait for its turn, None for ever.

        A call that runs for more than `slow_s` lets the next one begin; `max_alive` bounds those, too.
        No requester has more than `max_each` turns at once, nor all places of the `max_waiting`: `whose`
        names the one of the current task.
        """
        self._name = name
        self._turns = asyncio.Semaphore(max_running)
        self._max_each = max_each
        self._whose = whose
        self._shares = weakref.WeakValueDictionary[str, asyncio.Semaphore]()
        """The turns of each requester who waits or runs."""
        self._waiting = Room(max_waiting)
        self._wait_s = wait_s
        self._slow_s = slow_s
        self._max_alive = max_alive or max_running
        self.alive = 0
        """Threads that have not ended, whether or not anyone waits for them."""

    async def run(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """What `function` returns or raises; when cancelled, the thread goes on unheard.

        Raises:
            Unavailable: too many others run and wait already, or its turn did not come within `wait_s`.
        """
        turn = _Turn()
        try:
            await self._take(turn)
            self._check_alive()
        except BaseException:
            turn.end()
            raise
        return await self._start(partial(function, *args, **kwargs), turn)

    async def _take(self, turn: "_Turn") -> None:
        """Wait for one's own turns first: who has too many running stands in nobody's way."""
        wanted = [*self._find_share(), self._turns]
        if not any(turns.locked() for turns in wanted):
            await turn.take(wanted)  # at once
            return
        requester = self._whose()
        if not self._waiting.fits(1, requester):
            raise self._busy()
        self._waiting.take(1, requester)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn.take(wanted)
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting.give_back(1, requester)

    def _check_alive(self) -> None:
        if self.alive >= self._max_alive:
            raise self._busy()

    def _find_share(self) -> list[asyncio.Semaphore]:
        requester = self._whose()
        if self._max_each is None or requester is None:
            return []
        share = self._shares.get(requester)
        if share is None:
            share = self._shares[requester] = asyncio.Semaphore(self._max_each)
        return [share]

    def _start(self, work: Callable[[], Result], turn: "_Turn") -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        slow = None if self._slow_s is None else loop.call_later(self._slow_s, turn.end)

        def end(result: Result | None, error: BaseException | None) -> None:
            self.alive -= 1
            turn.end()
            if slow is not None:
                slow.cancel()
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, error = None, None
            try:
                result = context.run(work)
            except BaseException as raised:  # whoever waits gets it
                error = raised
            with suppress(RuntimeError):  # the loop has closed: nobody waits
                loop.call_soon_threadsafe(end, result, error)

        context = contextvars.copy_context()
        self.alive += 1
        try:
            threading.Thread(target=run, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no more threads
            self.alive -= 1
            turn.end()
            raise self._busy() from None
        return future

    def _busy(self) -> Unavailable:
        return Unavailable(
            f"{self.alive} calls for {self._name} are under way and {self._waiting.held} wait; "
            "try again soon.",
            retry_after_s=_RETRY_AFTER_S,
        )


class _Turn:
    """One of the calls that may run; ends once, however often it is told to."""

    def __init__(self) -> None:
        self._taken: list[asyncio.Semaphore] = []

    async def take(self, wanted: list[asyncio.Semaphore]) -> None:
        """Wait for one of each, in their order."""
        for turns in wanted:
            await turns.acquire()
            self._taken.append(turns)

    def end(self) -> None:
        """Let the next one begin."""
        while self._taken:
            self._taken.pop().release()

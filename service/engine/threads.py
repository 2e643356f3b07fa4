"""Threads for what may take long or never end, apart from those that pictures need."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from foundation.errors import Unavailable

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
    ) -> None:
        """`wait_s` is how long a call may wait for its turn, None for ever.

        A call that runs for more than `slow_s` lets the next one begin; `max_alive` bounds those, too.
        """
        self._name = name
        self._turns = asyncio.Semaphore(max_running)
        self._max_waiting = max_waiting
        self._wait_s = wait_s
        self._slow_s = slow_s
        self._max_alive = max_alive or max_running
        self._waiting = 0
        self.alive = 0
        """Threads that have not ended, whether or not anyone waits for them."""

    async def run(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """What `function` returns or raises; when cancelled, the thread goes on unheard.

        Raises:
            Unavailable: too many others run and wait already, or its turn did not come within `wait_s`.
        """
        if self._turns.locked():
            await self._wait()
        else:
            await self._turns.acquire()  # at once
        if self.alive >= self._max_alive:
            self._turns.release()
            raise self._busy()
        return await self._start(partial(function, *args, **kwargs))

    async def _wait(self) -> None:
        if self._waiting >= self._max_waiting:
            raise self._busy()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turns.acquire(), self._wait_s)
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1

    def _start(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        turn = _Turn(self._turns)
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
            f"{self.alive} calls for {self._name} are under way and {self._waiting} wait; try again soon.",
            retry_after_s=_RETRY_AFTER_S,
        )


class _Turn:
    """One of the calls that may run; ends once, however often it is told to."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns

    def end(self) -> None:
        """Let the next one begin."""
        if self._turns is not None:
            self._turns.release()
            self._turns = None

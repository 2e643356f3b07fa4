"""Whose walk is encoded next: requesters take turns, and none of them has all threads while others ask."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class WalkTurns:
    """Turns with the threads that encode walks, each for a chunk of frames; to be used on one event loop.

    A chunk of large frames takes seconds: in a pool by itself one requester's would stand before all others',
    and on all cores. While others ask for pictures each has one thread fewer than there are.
    """

    def __init__(self, threads: int, *, in_company: Callable[[], bool] = lambda: False) -> None:
        self._threads = threads
        self._in_company = in_company
        self._running: dict[str | None, int] = {}
        self._waiting: dict[str | None, deque[asyncio.Future[None]]] = {}
        """By requester; who has had a turn goes to the end."""

    async def take(self, requester: str | None) -> Callable[[], None]:
        """Wait for a turn of `requester`; what is returned ends it, from any thread."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.setdefault(requester, deque()).append(turn)
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came in the same moment
                self._end(requester)
            raise

        def end() -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody waits
                loop.call_soon_threadsafe(self._end, requester)

        return end

    def _may(self, requester: str | None) -> bool:
        if sum(self._running.values()) >= self._threads:
            return False
        most = max(1, self._threads - 1) if self._in_company() else self._threads
        return self._running.get(requester, 0) < most

    def _end(self, requester: str | None) -> None:
        self._running[requester] -= 1
        if not self._running[requester]:
            del self._running[requester]
        self._go_on()

    def _go_on(self) -> None:
        """Let those begin who may, in their order."""
        while (turn := self._choose()) is not None:
            turn.set_result(None)

    def _choose(self) -> asyncio.Future[None] | None:
        for requester, turns in list(self._waiting.items()):
            while turns and turns[0].cancelled():
                turns.popleft()
            if turns and not self._may(requester):
                continue
            del self._waiting[requester]
            if turns:
                turn = turns.popleft()
                if turns:
                    self._waiting[requester] = turns  # behind the others
                self._running[requester] = self._running.get(requester, 0) + 1
                return turn
        return None

"""Noticing that a client hung up, so that nothing more is done for it."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.types import Receive, Scope

from foundation.errors import ClientGone

_WATCH_AFTER_S = 0.02
"""Most requests are answered before this; a task that watches would cost more than it saves."""

_SCOPE_KEY = "ganymede.departure"

Answer = TypeVar("Answer")


class Departure:
    """The end of one request's client, told by a server that knows of it: no task need wait for it."""

    __slots__ = ("_gone", "_told")

    def __init__(self) -> None:
        self._gone = False
        self._told: Callable[[], None] | None = None

    def call(self, told: Callable[[], None] | None) -> None:
        """Let `told` be called when the client leaves, or now if it has; None: nobody asks any more."""
        self._told = told
        if self._gone and told is not None:
            told()

    def happen(self) -> None:
        """The client has left."""
        self._gone = True
        if self._told is not None:
            self._told()


_departure: contextvars.ContextVar[Departure | None] = contextvars.ContextVar("departure", default=None)


def promise_departure(scope: Scope) -> None:
    """For a server: it will say by `tell_departure` when the client of `scope` leaves."""
    scope[_SCOPE_KEY] = Departure()


def tell_departure(scope: Scope) -> None:
    """For a server: the client of `scope` has left."""
    scope[_SCOPE_KEY].happen()


def note_departure(scope: Scope) -> None:
    """Let what the current task does be done for the client of `scope`."""
    _departure.set(scope.get(_SCOPE_KEY))


async def unless_gone(receive: Receive, answer: Awaitable[Answer]) -> Answer:
    """Await `answer`, and cancel it when the current request's client hangs up. The body must have been read.

    Where the server promises nothing, `receive` is asked.

    Raises:
        ClientGone: it did.
    """
    task = asyncio.current_task()
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        if task is not None:
            task.cancel()

    departure = _departure.get()
    stop = _watch(receive, leave) if departure is None else None
    if departure is not None:
        departure.call(leave)
    try:
        return await answer
    except asyncio.CancelledError:
        if gone:
            if task is not None:
                task.uncancel()
            raise ClientGone("The client hung up.") from None
        raise
    finally:
        if departure is not None:
            departure.call(None)
        if stop is not None:
            stop()


def _watch(receive: Receive, leave: Callable[[], None]) -> Callable[[], None]:
    """Call `leave` when `receive` says that the client hung up; what is returned ends the watch."""
    watches: list[asyncio.Task[None]] = []

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        leave()

    loop = asyncio.get_running_loop()
    timer = loop.call_later(_WATCH_AFTER_S, lambda: watches.append(loop.create_task(watch())))

    def stop() -> None:
        timer.cancel()
        for started in watches:
            started.cancel()

    return stop

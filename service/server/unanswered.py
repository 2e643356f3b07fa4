"""The requests of one connection that are not answered yet: the one that runs, and those that wait for it."""

import asyncio
import select
from collections import deque
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.http.disconnection import promise_departure, tell_departure

_LEFT = getattr(select, "POLLRDHUP", 0)  # Linux's; a broken connection is told everywhere


class Unanswered:
    """What uvicorn's protocol, which tells only the newest request of the end, has to tell all of them."""

    def __init__(self) -> None:
        self._cycles: deque[RequestResponseCycle] = deque()

    def begin(self, cycle: RequestResponseCycle) -> None:
        """Note a request, whose task has not begun yet; they are answered in their order."""
        promise_departure(cast("Scope", cycle.scope))
        self._cycles.append(cycle)

    def end(self) -> None:
        """Note that the oldest is answered."""
        self._cycles.popleft()

    def disconnect(self) -> None:
        """Tell all of them that their client is gone: handlers stop, and what they send goes nowhere."""
        while self._cycles:
            tell_gone(self._cycles.popleft())


def tell_gone(cycle: RequestResponseCycle) -> None:
    """Let a request's handler know that there is nobody to answer any more."""
    cycle.disconnected = True
    cycle.message_event.set()
    tell_departure(cast("Scope", cycle.scope))


def has_left(transport: asyncio.Transport) -> bool:
    """Whether the client has closed its side: for a transport whose reading is paused, and which sees no end.

    An open transport is asked; the call does not wait.
    """
    return _has(transport, _LEFT)


def has_more(transport: asyncio.Transport) -> bool:
    """Whether the client has sent more than was read; asked as `has_left` is."""
    return _has(transport, select.POLLIN)


def _has(transport: asyncio.Transport, event: int) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket"), event)
    return bool(poll.poll(0))

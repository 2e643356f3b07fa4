"""All open connections: how many there may be, who makes room for whom, and whose time is over."""

import asyncio
import logging
import time
from typing import Protocol

from service.server.wire_limits import WireLimits

log = logging.getLogger(__name__)

_LOOK_AT = 8
"""Connections that are looked at to find one that can go."""

_SWEEP_S = 1.0
_WARN_EVERY_S = 60.0


class Connection(Protocol):
    """What is asked of a connection here."""

    loop: asyncio.AbstractEventLoop
    restricted: bool
    """Whether it is one of the reserve, for questions about health."""

    def check(self, now: float) -> None:
        """End it if its time is over; `now` is the event loop's."""

    def give_way(self) -> bool:
        """End it for another's sake, if nobody waits for anything on it; whether it did."""

    def abort(self) -> None:
        """End it at once."""


class Connections:
    """The connections of one process; used on its event loop.

    A connection waits while no whole head of a request has come in and nothing is being answered. When there
    are as many as may be, the one that has waited longest makes room. Where none waits, a few more are let
    in that are answered about health alone, so that a full process is not taken for a dead one.
    """

    def __init__(self, limits: WireLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        self._reserved: dict[Connection, None] = {}
        self._waiting: dict[Connection, None] = {}
        self._interval_s = min(
            _SWEEP_S, limits.head_timeout_s / 4, limits.body_timeout_s / 4, limits.write_timeout_s / 4
        )
        self._sweeping: asyncio.TimerHandle | None = None
        self._warned = -_WARN_EVERY_S

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def enter(self, connection: Connection) -> None:
        """Take a new connection: as it is, as one of the reserve, or not at all."""
        if len(self._open) - len(self._reserved) >= self.limits.connections and not self._make_room():
            self._warn()
            connection.restricted = True
            if len(self._reserved) >= self.limits.reserve:
                oldest = next(iter(self._reserved))
                self.leave(oldest)
                oldest.abort()
            self._reserved[connection] = None
        else:
            self._waiting[connection] = None
        self._open.add(connection)
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(self._interval_s, self._sweep, connection.loop)

    def leave(self, connection: Connection) -> None:
        """Forget a connection that ended."""
        self._open.discard(connection)
        self._reserved.pop(connection, None)
        self._waiting.pop(connection, None)

    def begin(self, connection: Connection) -> None:
        """Note that a request's whole head has come."""
        self._waiting.pop(connection, None)

    def rest(self, connection: Connection) -> None:
        """Note that all that was asked for on this connection is answered."""
        if not connection.restricted:
            self._waiting[connection] = None

    def _make_room(self) -> bool:
        for _ in range(min(_LOOK_AT, len(self._waiting))):
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            if oldest.give_way():
                self.leave(oldest)
                return True
        return False

    def _warn(self) -> None:
        now = time.monotonic()
        if now - self._warned >= _WARN_EVERY_S:
            self._warned = now
            log.warning(
                "%d connections are open, as many as may be (GANYMEDE_MAX_CONNECTIONS, or the limit of open "
                "files): new ones are asked to come again, and answered about health alone",
                self.limits.connections,
            )

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        try:
            for connection in list(self._open):
                connection.check(now)
        finally:  # whatever one of them does, the others' time goes on
            self._sweeping = loop.call_later(self._interval_s, self._sweep, loop) if self._open else None

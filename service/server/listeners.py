"""Connections that the system has made and nobody has taken: a few are taken at once, at the end all."""

import asyncio
import select
from collections.abc import Iterable

TAKEN_AT_ONCE = 8
"""In one round of the event loop, before those who are connected already have their turn. asyncio takes as
many as its listener is told to keep."""

_KEPT = 2048
"""That wait to be taken, until clients are told to try again."""

_QUIET_ROUNDS = 2
"""Of the event loop: what one accepts, the next makes a connection of."""


def keep_many(servers: Iterable[asyncio.Server]) -> None:
    """Let many wait at `servers`, whose event loop takes a few at once."""
    for server in servers:
        for listener in server.sockets:
            with listener.dup() as socket:  # the same listener; asyncio's own face of it has no `listen`
                socket.listen(_KEPT)


async def take_all(servers: Iterable[asyncio.Server], limit_s: float) -> None:
    """Let the event loop take what waits at `servers`, so that they can close without breaking it.

    Whoever comes all the time is waited for `limit_s` at most.
    """
    poll = select.poll()
    for server in servers:
        for listener in server.sockets:
            poll.register(listener, select.POLLIN)
    loop = asyncio.get_running_loop()
    end, quiet = loop.time() + limit_s, 0
    while loop.time() < end:
        quiet = 0 if poll.poll(0) else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        await asyncio.sleep(0)

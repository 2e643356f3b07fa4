"""Connections that the system has made and nobody has taken: a listener that closes would break them."""

import asyncio
import select
from collections.abc import Iterable

_QUIET_ROUNDS = 2
"""Of the event loop: what one accepts, the next makes a connection of."""


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

"""Noticing that a client hung up, so that nothing more is done for it."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

from foundation.errors import ClientGone

_WATCH_AFTER_S = 0.02
"""Most requests are answered before this; watching them would cost more than it saves."""

Answer = TypeVar("Answer")


async def unless_gone(receive: Receive, answer: Awaitable[Answer]) -> Answer:
    """Await `answer`, and cancel it when the client of `receive` hangs up. The body must have been read.

    Raises:
        ClientGone: it did.
    """
    task = asyncio.current_task()
    watches: list[asyncio.Task[None]] = []
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if task is not None:
            task.cancel()

    loop = asyncio.get_running_loop()
    timer = loop.call_later(_WATCH_AFTER_S, lambda: watches.append(loop.create_task(watch())))
    try:
        return await answer
    except asyncio.CancelledError:
        if gone:
            if task is not None:
                task.uncancel()
            raise ClientGone("The client hung up.") from None
        raise
    finally:
        timer.cancel()
        for started in watches:
            started.cancel()

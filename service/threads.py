"""Waiting for threads from the event loop, but not for ever."""

import asyncio
import threading
import time
from collections.abc import Callable

_LOOK_S = 0.01


async def wait_for_end(join: Callable[[], object], limit_s: float | None = None) -> bool:
    """Whether `join` (of a thread, or a pool's shutdown) comes back within `limit_s`, if that is given.

    It is called in a thread of its own that nothing waits for: asyncio's pool may be full of those who
    should end.
    """
    ended = threading.Event()

    def call() -> None:
        join()
        ended.set()

    threading.Thread(target=call, name="end", daemon=True).start()
    deadline = None if limit_s is None else time.monotonic() + limit_s
    while not ended.is_set():
        if deadline is not None and time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True

"""Waiting for threads from the event loop, but not for ever."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.encoding.encoding_threads import EncodingThreads

_LOOK_S = 0.01


async def end_threads(
    threads: Sequence[threading.Thread],
    pools: Sequence[ThreadPoolExecutor | EncodingThreads],
    limit_s: float | None,
) -> bool:
    """Whether `threads` end, and `pools` do what was given to them until then, within `limit_s`.

    They are joined in a thread of its own that nothing waits for: asyncio's pool may be full of those who
    should end. Past the limit, what the pools have not begun is dropped.
    """
    ended = threading.Event()

    def join() -> None:
        for thread in threads:
            if thread.is_alive():
                thread.join()
        for pool in pools:
            pool.shutdown()
        ended.set()

    threading.Thread(target=join, name="end", daemon=True).start()
    deadline = None if limit_s is None else time.monotonic() + limit_s
    while not ended.is_set():
        if deadline is not None and time.monotonic() >= deadline:
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)
            return False
        await asyncio.sleep(_LOOK_S)
    return True

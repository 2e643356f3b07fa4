"""Threads that do the same again and again beside what a test does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keep_busy(number: int, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Call `work` in so many threads with an event, until which it goes on: that is set as the block ends."""
    over = threading.Event()
    threads = [threading.Thread(target=work, args=(over,)) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()

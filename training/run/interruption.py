"""Ctrl-C and SIGTERM as a request to stop after the step that is running."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a stop was asked for; a second Ctrl-C stops at once.

    Outside the main thread, where signals cannot be taken, it never says so.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop.is_set
        return
    previous = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def request_stop(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, previous[signal.Signals(number)])

    for number in STOP_SIGNALS:
        signal.signal(number, request_stop)
    try:
        yield stop.is_set
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, previous[number])

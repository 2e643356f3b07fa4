"""Ctrl-C and SIGTERM as a request to stop after the step that is running."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
STANDARD_ERROR = 2
STOPPING = b"\nStopping when what goes on has ended, and saving. Ctrl-C again stops at once, without that.\n"


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a stop was asked for; a second Ctrl-C stops at once.

    That it was heard is told on standard error at once, for what goes on may take a while yet.
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
        with suppress(OSError):  # past the buffers, into which what was interrupted may be writing
            os.write(STANDARD_ERROR, STOPPING)

    for number in STOP_SIGNALS:
        signal.signal(number, request_stop)
    try:
        yield stop.is_set
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, previous[number])

"""SIGHUP, which a terminal sends when it closes."""

import signal
import threading
from collections.abc import Callable
from types import FrameType


def heed_hang_up(before: object, then: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Let SIGHUP do `then` where it did what is `before`: a program started by `nohup` passes it over."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGHUP) == before:
        signal.signal(signal.SIGHUP, then)

"""The end of the process: in time, whatever a thread still does, and without freeing what it uses."""

import logging
import os
import sys
import threading
import time
from contextlib import suppress

_GRACE_S = 3.0
"""For what was cut off to be told so, and for the application to close."""

log = logging.getLogger(__name__)


def end_within(timeout_s: float, status: int) -> None:
    """End the process with `status` once `timeout_s` and a grace of 3 s are over, if it has not ended before.

    Python waits at its end for every thread of every pool, and one may be encoding, or ask a silent store.
    """

    def watch() -> None:
        time.sleep(timeout_s + _GRACE_S)
        log.warning("the process ends, though threads still work")
        end_now(status)

    threading.Thread(target=watch, name="end", daemon=True).start()


def flush_logs() -> None:
    """Let what was logged be written, as far as somebody reads it soon."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def end_now(status: int) -> None:
    """End the process with `status`, after its last words; no thread is waited for, and none is disturbed.

    An interpreter that shuts down takes itself away from under threads that run native code.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, or nobody reads it any more
            stream.flush()
    os._exit(status)

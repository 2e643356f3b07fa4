"""Threads that let others go first."""

import os
import sys
from contextlib import suppress

_STEPS = 10
"""Of niceness: where cores are short, such a thread gets a tenth of what another gets (sched(7))."""


def yield_to_others() -> None:
    """Let the calling thread have a core after those that answer, for as long as it lives.

    It is for threads that compute without the interpreter's lock for most of their time: one that kept it
    would have all others wait with it. On Linux niceness is a thread's; elsewhere it is the whole process's,
    and stays.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # where a sandbox forbids it
            os.setpriority(os.PRIO_PROCESS, 0, min(19, os.getpriority(os.PRIO_PROCESS, 0) + _STEPS))

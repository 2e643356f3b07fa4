"""What is said where Ctrl-C stops a command, and its exit status; nothing else is loaded for it."""

import sys
from contextlib import suppress

STOPPED = 130
"""The exit status of a command that was stopped before it was done: 128 and the number of SIGINT."""


def say_stopped() -> None:
    """Say on standard error that the command was stopped."""
    with suppress(OSError, ValueError):  # nobody may be listening
        sys.stderr.write("ganymede: stopped by Ctrl-C before it was done.\n")
        sys.stderr.flush()

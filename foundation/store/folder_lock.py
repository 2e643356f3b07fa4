"""The lock under which an alias of a model in a folder moves."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.errors import StoreError

LOCK_TIMEOUT_S = 30.0
LOCK_PAUSE_S = 0.02


@contextmanager
def hold_lock(root: Path, model: str) -> Iterator[None]:
    """Hold the lock of `model` in the store at `root`; the system frees it when its holder ends, however.

    Raises:
        StoreError: another process has held it for too long.
        OSError: it cannot be opened.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with (root / model / ".aliases.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"Another process has been moving an alias of {model} for {LOCK_TIMEOUT_S:g} s; "
                        "nothing was written."
                    ) from None
                time.sleep(LOCK_PAUSE_S)
        yield

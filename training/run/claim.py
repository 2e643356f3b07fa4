"""The claim of one process on a run folder: two trainings in one would overwrite each other."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from training.errors import RunError
from training.run.paths import RunPaths


@contextmanager
def claim_run(run: RunPaths) -> Iterator[None]:
    """Hold the run folder while training; the claim of a process that dies ends with it.

    Raises:
        RunError: another process trains in it.
    """
    lock = FileLock(run.claim_path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"Another process is training in {run.folder}. Wait for its end, or choose another run folder."
        ) from error
    except NotImplementedError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()

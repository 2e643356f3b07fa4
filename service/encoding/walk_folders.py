"""The folders that walks are written in: locked while they are used, so that what a crash left is known."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "ganymede-walk-locked-"


class WalkFolder:
    """A new folder for one walk's file, in the system's folder for such, until `remove`."""

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: the disk is full, or there are too many open files.
        """
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            try:
                self._lock: int | None = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # a process that starts took it for one that was left
            except OSError:
                self.path.rmdir()
                raise
            # The system lets go of the lock when this process ends, however it ends.
            if _lock(self._lock) and self.path.exists():
                return
            os.close(self._lock)

    def remove(self) -> None:
        """Remove the folder and what is in it; a second time changes nothing."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


@contextmanager
def walk_folder() -> Iterator[Path]:
    """A folder for one walk's file, gone afterwards."""
    folder = WalkFolder()
    try:
        yield folder.path
    finally:
        folder.remove()


def remove_left_folders() -> int:
    """Remove the walks of processes of this user that ended without doing so; how many there were."""
    removed = 0
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                continue
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _lock(lock):
                    shutil.rmtree(path, ignore_errors=True)
                    removed += 1
            finally:
                os.close(lock)
    return removed


def _lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

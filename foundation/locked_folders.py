"""Temporary folders: locked while in use, so that what a crash left is known."""

import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

_PREFIX = "ganymede-{kind}-locked-"
_NAME_BYTES = 8


class LockedFolder:
    """A new folder in the system's folder for such, from `make` until `remove`."""

    def __init__(self, kind: str) -> None:
        """Choose its name, in which `kind`, a word for what it is for, stands; nothing is on the disk yet."""
        name = _PREFIX.format(kind=kind) + secrets.token_hex(_NAME_BYTES)
        self.path = Path(tempfile.gettempdir()) / name
        self._lock: int | None = None

    def make(self) -> Self:
        """Make it, readable for this user alone.

        Raises:
            OSError: the disk is full, or there are too many open files.
        """
        while self._lock is None:
            self.path.mkdir(mode=0o700)
            try:
                lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # a process that starts took it for one that was left
            except OSError:
                self.path.rmdir()
                raise
            # The system lets go of the lock when this process ends, however it ends.
            if _lock(lock) and self.path.exists():
                self._lock = lock
            else:
                os.close(lock)
        return self

    def remove(self) -> None:
        """Remove the folder and what is in it; without one, or a second time, nothing happens."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


@contextmanager
def locked_folder(kind: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = LockedFolder(kind).make()
    try:
        yield folder.path
    finally:
        folder.remove()


def remove_left_folders() -> int:
    """Remove those of processes of this user that ended without doing so; how many there were."""
    removed = 0
    for path in Path(tempfile.gettempdir()).glob(_PREFIX.format(kind="*") + "*"):
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

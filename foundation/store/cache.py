"""A bounded folder of files by their sha256, shared by every process of the machine that names it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from foundation.errors import ReleaseRefused, StoreError
from foundation.manifest import File
from foundation.store.publication import check_bytes

LOCK_TIMEOUT_S = 60
_UNFINISHED = ".unfinished"


class CacheUnusable(StoreError):
    """The cache cannot be read or written now; the store itself may be asked."""

    code = "cache-unusable"
    retry_after_s = 10


class FileCache:
    """Files that were fetched once, under `folder`; those used longest ago leave when it is full.

    Any number of threads and processes may use one folder: a file's lock lets one of them fetch it while the
    others wait, and a file appears by a rename. What one that was killed left behind is overwritten.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Make the folder.

        Raises:
            CacheUnusable: it cannot be made or written.
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self._files = folder / "files"
        self._locks = folder / "locks"
        with self._explained():
            for part in (self._files, self._locks):
                part.mkdir(parents=True, exist_ok=True)

    def read(self, entry: File, reference: str, fetch: Callable[[Path], None]) -> bytes:
        """The checked content of a file, which `fetch` writes to the path it is given if it is not here.

        Raises:
            ReleaseRefused: it is larger than the cache, or (from `fetch`) not what its entry says.
            CacheUnusable: the cache cannot be written, or another process has been fetching it for too long.
        """
        if entry.size_bytes > self.max_bytes:
            raise ReleaseRefused(
                f"{reference}: {entry.path} has {entry.size_bytes:,} bytes, and the cache "
                f"{self.folder} holds {self.max_bytes:,} in all (GANYMEDE_CACHE_MAX_BYTES).",
                outside=f"{reference}: {entry.path} is larger than the cache of this service.",
            )
        path = self._files / entry.sha256
        # A file that is here is whole, and known by its sum: no lock is needed to read it.
        if (content := self._read_here(path, entry, reference)) is not None:
            with suppress(OSError):  # whoever may only read has nothing to note
                os.utime(path)
            return content
        with self._explained():
            try:
                with self._lock(entry.sha256).acquire(timeout=LOCK_TIMEOUT_S):
                    content = self._read_here(path, entry, reference)
                    if content is None:
                        content = self._fetch(path, entry, reference, fetch)
            except Timeout:
                raise CacheUnusable(
                    f"{reference}: another process has been fetching {entry.path} for {LOCK_TIMEOUT_S} s."
                ) from None
            self._make_room(path)
        return content

    def size_bytes(self) -> int:
        """Of all files."""
        return sum(path.stat().st_size for path in self._files.iterdir())

    def _read_here(self, path: Path, entry: File, reference: str) -> bytes | None:
        """The file's content, None if it is not here, was damaged here or cannot be read."""
        try:
            with path.open("rb") as file:
                content = file.read(entry.size_bytes + 1)
            check_bytes(content, entry, reference)
        except (OSError, ReleaseRefused):
            return None
        return content

    def _fetch(self, path: Path, entry: File, reference: str, fetch: Callable[[Path], None]) -> bytes:
        unfinished = path.with_name(path.name + _UNFINISHED)
        try:
            fetch(unfinished)
            content = unfinished.read_bytes()
            check_bytes(content, entry, reference)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return content

    def _make_room(self, kept: Path) -> None:
        """Remove what was used longest ago until the rest is within the limit."""
        found = []
        for path in self._files.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            found.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in found) - self.max_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                return
            if path == kept:
                continue
            try:
                with self._lock(path.name).acquire(timeout=0):
                    path.unlink(missing_ok=True)
            except Timeout:  # in use
                continue
            excess -= size

    def _lock(self, sha256: str) -> FileLock:
        """One of 256 locks; files that share one only wait for each other."""
        return FileLock(self._locks / sha256[:2], thread_local=False)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, NotImplementedError) as error:  # the latter: no locks on that file system
            reason = getattr(error, "strerror", None) or str(error)
            raise CacheUnusable(
                f"The cache {self.folder} cannot be used: {reason}. "
                "Make room there, or name another folder in GANYMEDE_CACHE.",
                outside="The cache of this service cannot be used.",
            ) from error

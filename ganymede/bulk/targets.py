"""Where shards go: a folder, or a prefix of a bucket. A file is there whole, or not at all."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from foundation.errors import StoreError
from foundation.store import FolderStore, open_store


class Target(Protocol):
    """A place for shards; every method may raise StoreError."""

    @property
    def location(self) -> str:
        """Where it is, as a person would write it."""
        ...

    def names(self) -> set[str]:
        """The files that are there."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a small file, None if there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whatever is there."""
        ...

    def write_first(self, name: str, content: bytes) -> bytes:
        """Write a small file if there is none; what lies there now."""
        ...

    def drafts(self) -> AbstractContextManager[Path]:
        """Somewhere to write a shard before it is put into its place."""
        ...

    def put(self, draft: Path, name: str) -> None:
        """Put a shard that is written into its place."""
        ...

    def holds(self, name: str, size_bytes: int, sha256: str) -> bool:
        """Whether the shard lies there as it was recorded."""
        ...


def open_target(uri: str) -> Target:
    """The place at `uri`, a folder or `s3://bucket/prefix`; a folder is made.

    Raises:
        StoreError: it is neither, or cannot be written.
    """
    store = open_store(uri)
    if isinstance(store, FolderStore):
        with explain_writing(str(store.root)):
            store.root.mkdir(parents=True, exist_ok=True)
        return FolderTarget(store.root)
    from ganymede.bulk.bucket import BucketTarget  # boto3 takes its time

    return BucketTarget(uri.strip())


class FolderTarget:
    """Shards in a folder: written beside their place, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def location(self) -> str:
        """The folder."""
        return str(self._root)

    def names(self) -> set[str]:
        """See `Target.names`."""
        with explain_writing(self.location):
            return {entry.name for entry in self._root.iterdir()}

    def read(self, name: str) -> bytes | None:
        """See `Target.read`."""
        with explain_writing(self.location):
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """See `Target.write`."""
        with explain_writing(self.location), self._beside(name) as draft:
            draft.write_bytes(content)
            draft.replace(self._root / name)

    def write_first(self, name: str, content: bytes) -> bytes:
        """See `Target.write_first`: of two who link a name at once one does."""
        with explain_writing(self.location), self._beside(name) as draft:
            draft.write_bytes(content)
            with suppress(FileExistsError):
                os.link(draft, self._root / name)
            return (self._root / name).read_bytes()

    @contextmanager
    def drafts(self) -> Iterator[Path]:
        """See `Target.drafts`."""
        folder = self._root / f".draft-{uuid.uuid4().hex}"
        with explain_writing(self.location):
            folder.mkdir()
        try:
            yield folder
        finally:
            for left in folder.iterdir():
                left.unlink()
            folder.rmdir()

    def put(self, draft: Path, name: str) -> None:
        """See `Target.put`; it is on the disk before it has its name."""
        with explain_writing(self.location):
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(self._root / name)

    def holds(self, name: str, size_bytes: int, sha256: str) -> bool:
        """See `Target.holds`; all of it is read."""
        path = self._root / name
        with explain_writing(self.location):
            if not path.is_file() or path.stat().st_size != size_bytes:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256

    @contextmanager
    def _beside(self, name: str) -> Iterator[Path]:
        draft = self._root / f".{name}-{uuid.uuid4().hex}"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def explain_writing(location: str) -> Iterator[None]:
    """Raise StoreError, with the system's words, for what a disk refuses."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{location}: {error.strerror or error}.") from error

"""Writing into a store's folder: what appears there is whole, and stays when the power fails."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from foundation.errors import StoreError
from foundation.manifest import MANIFEST_FILE, Manifest
from foundation.signatures import SIGNATURE_FILE
from foundation.store.publication import already_published, check_file, encode_manifest

_UNFINISHED = ".unfinished-"
LOCK_TIMEOUT_S = 30.0
LOCK_PAUSE_S = 0.02


def add_release(
    versions: Path, manifest: Manifest, files: Mapping[str, Path], signature: bytes | None
) -> None:
    """Add a version to the folder `versions` by one atomic rename.

    Raises:
        AlreadyPublished: there is such a version.
        ReleaseRefused: a file is not what its entry says.
    """
    versions.mkdir(parents=True, exist_ok=True)
    target = versions / manifest.version
    if os.path.lexists(target):
        raise already_published(manifest)
    unfinished = Path(tempfile.mkdtemp(dir=versions, prefix=_UNFINISHED))
    try:
        unfinished.chmod(0o755)
        for entry in manifest.files:
            shutil.copyfile(files[entry.path], unfinished / entry.path)
            check_file(unfinished / entry.path, entry, manifest.reference)
        if signature is not None:
            (unfinished / SIGNATURE_FILE).write_bytes(signature)
        (unfinished / MANIFEST_FILE).write_bytes(encode_manifest(manifest))
        for path in (*unfinished.iterdir(), unfinished):
            _sync(path)
        try:
            unfinished.rename(target)
        except OSError:
            if os.path.lexists(target):
                raise already_published(manifest) from None
            raise
        _sync(versions)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def add_file(target: Path, content: bytes) -> None:
    """Write a file where there is none, by one atomic link.

    Raises:
        FileExistsError: there is one.
    """
    with tempfile.TemporaryDirectory(dir=target.parent.parent, prefix=_UNFINISHED) as name:
        written = Path(name) / target.name
        written.write_bytes(content)
        written.chmod(0o644)
        _sync(written)
        target.hardlink_to(written)
    _sync(target.parent)


def replace_file(target: Path, content: bytes) -> None:
    """Write a file, over the one that is there, by one atomic rename."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_UNFINISHED, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(target)


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold the lock in the file at `path` against other processes, which move `what`.

    Raises:
        StoreError: another process held it for too long.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"Another process has been moving {what} for {LOCK_TIMEOUT_S:g} s; "
                        "nothing was written."
                    ) from None
                time.sleep(LOCK_PAUSE_S)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

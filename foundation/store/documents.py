"""Files of a store in a folder, opened with care: who can write there may have put anything there."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foundation.errors import ReleaseRefused, StoreError, StoreUnreachable
from foundation.manifest import MANIFEST_FILE
from foundation.names import is_name
from foundation.store.publication import MAX_DOCUMENT_BYTES

_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_UNWRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EFBIG}


@contextmanager
def open_file(path: Path, where: str) -> Iterator[BinaryIO | None]:
    """The plain file at `path`, open for reading; None if there is nothing.

    Raises:
        ReleaseRefused: it is no plain file; the message starts with `where`.
        StoreUnreachable: it cannot be opened or read.
    """
    descriptor = None
    with explain_reading(where):
        try:
            # A pipe would keep its reader waiting for a writer for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
    if descriptor is None:
        yield None
        return
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no plain file"
            raise ReleaseRefused(f"{where} is {kind}; it should be a file.")
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_document(path: Path, where: str) -> bytes | None:
    """The content of a manifest or an alias file; None if there is none.

    Raises:
        ReleaseRefused: it is no plain file, or has more than MAX_DOCUMENT_BYTES.
        StoreUnreachable: it cannot be read.
    """
    with open_file(path, where) as file, explain_reading(where):
        content = None if file is None else file.read(MAX_DOCUMENT_BYTES + 1)
    if content is not None and len(content) > MAX_DOCUMENT_BYTES:
        raise ReleaseRefused(f"{where} has more than {MAX_DOCUMENT_BYTES:,} bytes.")
    return content


def list_folder(path: Path, where: str) -> list[str]:
    """Names in the folder at `path`, none if there is no folder.

    Raises:
        StoreUnreachable: it cannot be read.
    """
    with explain_reading(where):
        try:
            return [entry.name for entry in path.iterdir()]
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise


def list_root(path: Path, where: str) -> list[str]:
    """Names in the folder of a whole store, none if there is no folder yet.

    Raises:
        StoreUnreachable: it cannot be read, or is a file.
    """
    names = list_folder(path, where)
    if not names and path.is_file():
        raise StoreUnreachable(f"{where} is a file; a model store is a folder.")
    return names


def find_versions(folder: Path, where: str) -> Iterator[str]:
    """Names of the versions in a model's folder `versions` that have a manifest, as they come.

    Raises:
        StoreUnreachable: the folder cannot be read.
    """
    for name in list_folder(folder, where):
        if is_name(name):
            try:
                found = (folder / name / MANIFEST_FILE).is_file()
            except OSError:  # whoever asks for its manifest is told why
                found = True
            if found:
                yield name


def appear_once(written: Path, target: Path) -> None:
    """Let what is written, whole, also lie at `target`, unless something does already.

    File systems without links (FAT, many that a network or a bucket is behind) get it by a move instead,
    which nobody else's file is lost by either, unless it comes in the same moment.

    Raises:
        FileExistsError: something lies there.
        OSError: it cannot be written.
    """
    try:
        target.hardlink_to(written)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        written.rename(target)


@contextmanager
def explain_reading(where: str) -> Iterator[None]:
    """Let the system's errors leave as a StoreUnreachable that starts with `where`."""
    try:
        yield
    except OSError as error:
        raise StoreUnreachable(
            f"{where} cannot be read: {error.strerror or type(error).__name__}."
        ) from error


@contextmanager
def explain_writing(where: str) -> Iterator[None]:
    """Let the system's errors leave as a StoreError that starts with `where`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = " Nothing was changed." if error.errno in _UNWRITABLE else ""
        raise StoreError(f"{where} cannot be written: {reason}.{hint}") from error

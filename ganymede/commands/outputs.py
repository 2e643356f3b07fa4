"""The file that a command makes: it appears when it is whole, and what was there stays until then."""

import errno
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".ganymede-"
NOTHING_NEW = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""Of a folder in which only this file may be written."""
NO_MOVE = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
"""Of a file that is mounted by itself, or another person's in a sticky folder."""


def place(made: BinaryIO, output: Path) -> None:
    """Bring what is made, from where `made` is read, to `output`; what was there stays if that cannot be.

    Into a pipe or a device it is written as it is, and over a file beside or in whose place nothing may be.

    Raises:
        OSError: it cannot be written there.
    """
    if output.exists() and not stat.S_ISREG(output.stat().st_mode):
        copy_into(output, made)
        return
    target = Path(os.path.realpath(output))  # a link stays one
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=UNFINISHED)
    except OSError as error:
        if error.errno not in NOTHING_NEW:
            raise
        copy_into(target, made)
        return
    try:
        with os.fdopen(number, "wb") as stream:
            shutil.copyfileobj(made, stream)
        with suppress(OSError):  # FAT and others have no rights to give
            Path(name).chmod(read_mode(target))
        put_in_place(Path(name), target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def put_in_place(written: Path, target: Path) -> None:
    """Let what is written be at `target`: by a move, or over what is mounted there or is another person's."""
    try:
        written.replace(target)
    except OSError as error:
        if error.errno not in NO_MOVE:
            raise
        with written.open("rb") as made:
            copy_into(target, made)
        written.unlink()


def copy_into(target: Path, made: BinaryIO) -> None:
    """Write what is made over what is there."""
    with target.open("wb") as stream:
        shutil.copyfileobj(made, stream)


def read_mode(target: Path) -> int:
    """Return the rights that a file has, or gets where there is none: as the user's mask says."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask

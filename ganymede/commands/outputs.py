"""The file that a command makes: it appears when it is whole, and what was there stays until then."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".ganymede-"


def place(made: BinaryIO, output: Path) -> None:
    """Bring what is made, from where `made` is read, to `output`; what was there stays if that cannot be.

    Into a pipe or a device it is written as it is.

    Raises:
        OSError: it cannot be written there.
    """
    target = Path(os.path.realpath(output))  # a link stays one
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        copy_into(target, made)
        return
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=UNFINISHED)
    except PermissionError:  # a folder in which only this file may be written
        copy_into(target, made)
        return
    try:
        with os.fdopen(number, "wb") as stream:
            shutil.copyfileobj(made, stream)
        Path(name).chmod(read_mode(target))
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


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

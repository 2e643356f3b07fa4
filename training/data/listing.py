"""The files in a folder of pictures and the folders in it, through links, whatever else lies there."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from training.data.unknown import explain_missing
from training.errors import DataError

MAX_FILES = 5_000_000
MAX_FOLDERS = 100_000
"""Links may make more paths out of a few folders than anyone could read."""


def list_names(folder: Path) -> list[str]:
    """Return the names in `folder` of all that is no folder, sorted; hidden ones are left out.

    Links to files and folders are followed, but not back into a folder that they lie in.

    Raises:
        DataError: it is no folder, or one in it cannot be read, or it holds too much.
    """
    require_folder(folder)
    names: list[str] = []
    left: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    for _ in range(MAX_FOLDERS):
        if not left:
            return sorted(names)
        prefix, above = left.pop()
        path = folder / prefix
        try:
            state = path.stat()
            if (state.st_dev, state.st_ino) in above:
                continue
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read: {error.strerror}. Without it the set would be another: let it be "
                "read, or take it away."
            ) from error
        inside = above | {(state.st_dev, state.st_ino)}
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if is_folder(entry):
                left.append((f"{prefix}{entry.name}/", inside))
            else:
                names.append(f"{prefix}{entry.name}")
        if len(names) > MAX_FILES:
            raise DataError(f"{folder} holds more than {MAX_FILES} files; no more can be prepared.")
    raise DataError(f"{folder} holds more than {MAX_FOLDERS} folders, links to folders among them.")


def require_folder(folder: Path) -> None:
    """Raise DataError where there is no folder, or none can be of that name."""
    try:
        if folder.is_dir():
            return
    except OSError as error:  # a name that is too long
        raise DataError(f"{show_name(str(folder))[:200]} cannot be read: {error.strerror}.") from error
    said = f"{folder} is no folder." if folder.exists() else explain_missing(folder, folders=True)
    raise DataError(f"{said} Name a folder of pictures.")


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether it is a folder or a link to one; a link that ends nowhere or in itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading; raise OSError as `require_file`."""
    require_file(path)
    return path.open("rb")


def require_file(path: Path) -> None:
    """Raise OSError where there is nothing to be read to its end: a folder, pipe, socket or device."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "no file, but a folder, pipe, socket or device")


def stamp(path: Path) -> str:
    """Return what tells a file from what it was before: its path, size and time of change."""
    try:
        state = path.stat()
    except OSError:  # a link that ends nowhere
        return f"{path} nowhere"
    return f"{path} {state.st_size} {state.st_mtime_ns}"


def show_name(name: str) -> str:
    """Return a file's name as text that can be printed and written: bytes that are no UTF-8 as numbers."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

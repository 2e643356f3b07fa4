"""The cache of prepared pictures: a folder an entry, whole or not there, those unused longest removed."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from training.errors import DataError

VARIABLE = "GANYMEDE_PICTURES"
MAX_BYTES = 20 * 2**30


def cache_folder() -> Path:
    """Return where prepared pictures lie: GANYMEDE_PICTURES, or in the user's cache folder (XDG)."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganymede-pictures"


def prepared_entry(key: str, write: Callable[[Path], None]) -> Path:
    """Return the folder of entry `key`, which `write` fills unless it is there already.

    Of two processes that fill the same entry at once one keeps its folder, and both use it.

    Raises:
        DataError: the cache cannot be written.
    """
    root = cache_folder()
    entry = root / key
    try:
        if not entry.is_dir():
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as folder:
                new = Path(folder) / key
                new.mkdir()
                write(new)
                try:
                    new.rename(entry)
                except OSError:
                    if not entry.is_dir():  # nobody else was faster
                        raise
            remove_oldest(root, MAX_BYTES, kept=entry)
        os.utime(entry)
    except OSError as error:
        raise DataError(
            f"The pictures cannot be prepared in {root}: {error.strerror or error}. "
            f"Name another folder with {VARIABLE}."
        ) from error
    return entry


def remove_oldest(root: Path, max_bytes: int, kept: Path) -> None:
    """Remove the entries that were not used for longest until the rest, with `kept`, fits `max_bytes`."""
    entries = sorted(
        (entry for entry in root.iterdir() if entry != kept and not entry.name.startswith(".")),
        key=lambda entry: entry.stat().st_mtime,
        reverse=True,
    )
    total = size_of(kept)
    for entry in entries:
        total += size_of(entry)
        if total > max_bytes:
            shutil.rmtree(entry, ignore_errors=True)


def size_of(entry: Path) -> int:
    """Return how many bytes the files of an entry have."""
    return sum(path.stat().st_size for path in entry.iterdir())

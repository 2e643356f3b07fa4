"""The cache of prepared pictures: a folder an entry, whole or not there, those unused longest removed."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from foundation.home import expand_home
from training.errors import DataError

VARIABLE = "GANYMEDE_PICTURES"
MAX_BYTES = 20 * 2**30
UNFINISHED = ".new-"
UNFINISHED_LIMIT_S = 86_400.0


def cache_folder() -> Path:
    """Return where prepared pictures lie: GANYMEDE_PICTURES, or in the user's cache folder (XDG)."""
    if named := os.environ.get(VARIABLE):
        return expand_home(named)
    return expand_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "ganymede-pictures"


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
            with tempfile.TemporaryDirectory(dir=root, prefix=UNFINISHED) as folder:
                new = Path(folder) / key
                new.mkdir()
                write(new)
                try:
                    new.rename(entry)
                except OSError:
                    if not entry.is_dir():  # nobody else was faster
                        raise
            remove_oldest(root, MAX_BYTES, kept=entry)
        with suppress(OSError):  # a cache that is only read has nothing removed either
            os.utime(entry)
    except OSError as error:
        raise DataError(
            f"The pictures cannot be prepared in {root}: {error.strerror or error}. "
            f"Name another folder with {VARIABLE}."
        ) from error
    return entry


def remove_oldest(root: Path, max_bytes: int, kept: Path) -> None:
    """Remove the entries that were not used for longest until the rest, with `kept`, fits `max_bytes`.

    What a process that was killed left half written goes after a day.
    """
    ages_s: list[tuple[float, Path]] = []
    for entry in root.iterdir():
        with suppress(FileNotFoundError):  # another process may be doing the same
            ages_s.append((time.time() - entry.stat().st_mtime, entry))
    total = size_of(kept)
    for age_s, entry in sorted(ages_s):
        if entry.name.startswith(UNFINISHED):
            if age_s > UNFINISHED_LIMIT_S:
                shutil.rmtree(entry, ignore_errors=True)
        elif entry != kept:
            total += size_of(entry)
            if total > max_bytes:
                shutil.rmtree(entry, ignore_errors=True)


def size_of(entry: Path) -> int:
    """Return how many bytes the files of an entry have."""
    total = 0
    with suppress(FileNotFoundError):
        for path in entry.iterdir():
            total += path.stat().st_size
    return total

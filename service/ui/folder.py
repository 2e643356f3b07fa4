"""The folder of the pictures and walks that the page shows: what is served of it, and how large it grows."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.responses import FileResponse

from foundation.errors import NotFound, Unavailable

KEPT_S = 900
"""How long a file can be asked for, where there is room for it."""

YOUNG_S = 60
"""No younger file is removed: its visitor may not have fetched it yet."""

SWEEP_S = 5
MAX_BYTES = 2**29
_LEAST_BYTES = 8192  # what the smallest file takes, with the folder that Gradio makes for it
_MEDIA_TYPES = {".png": "image/png", ".mp4": "video/mp4"}


log = logging.getLogger(__name__)


class Folder:
    """A folder that only this page writes to."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, young_s: float = YOUNG_S) -> None:
        self.path = path.resolve()
        self._max_bytes = max_bytes
        self._young_s = young_s
        self._bytes = 0

    def check_room(self) -> None:
        """Raises `Unavailable` while the folder is as large as it may be."""
        if self._bytes > self._max_bytes:
            raise Unavailable(
                "So many pictures were asked for here that there is no room for more; try again in a minute.",
                retry_after_s=int(self._young_s) or 1,
            )

    def serve(self, name: str) -> FileResponse:
        """The answer that holds a file of this folder, named by its whole path.

        Raises:
            NotFound: it is not a picture or a walk of this folder's, or it is gone.
        """
        media_type = _MEDIA_TYPES.get(Path(name).suffix)
        try:
            path = Path(name).resolve(strict=True)
            # The name itself, too: no link and no `..` leads to a file here.
            inside = str(path) == name and path.is_relative_to(self.path) and path.is_file()
        except (OSError, ValueError, RuntimeError):  # no such file, a NUL in the name, links in a circle
            inside = False
        if not inside or media_type is None:
            raise NotFound("There is no such file of the page's, or it is gone; make it anew.")
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": "private, max-age=900"})

    @asynccontextmanager
    async def kept_small(self) -> AsyncIterator[None]:
        """Sweep now and then, as long as this is open."""

        async def sweep_on() -> None:
            while True:
                await asyncio.sleep(SWEEP_S)
                try:
                    await asyncio.to_thread(self.sweep)
                except OSError:
                    log.exception("the folder of the page's pictures could not be swept")

        task = asyncio.create_task(sweep_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def sweep(self) -> None:
        """Remove what is too old and, oldest first, what is too much; blocks while it reads the folder."""
        now = time.time()
        files = sorted(self._list_files())
        held = sum(size for _, size, _ in files)
        for changed, size, path in files:
            age_s = now - changed
            if age_s < self._young_s or (age_s < KEPT_S and held <= self._max_bytes):
                break
            path.unlink(missing_ok=True)
            held -= size
        for entry in os.scandir(self.path):
            if entry.is_dir(follow_symlinks=False) and now - entry.stat().st_mtime > self._young_s:
                with suppress(OSError):  # it is not empty
                    Path(entry.path).rmdir()
        self._bytes = held

    def _list_files(self) -> list[tuple[float, int, Path]]:
        """When each file was written, what it takes and its path."""
        found = []
        for place, _, names in os.walk(self.path):
            for name in names:
                path = Path(place, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:  # Gradio renames some
                    continue
                found.append((status.st_mtime, max(status.st_size, _LEAST_BYTES), path))
        return found

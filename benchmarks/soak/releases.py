"""What befalls the store while the server is soaked: releases come and go, and it is away for a while."""

import shutil
import threading
from contextlib import suppress
from pathlib import Path

from foundation.errors import GanymedeError
from foundation.store import FolderStore, promote

RELEASE_INTERVAL_S = 20.0
AWAY_EVERY = 5
AWAY_S = 5.0


class Releases(threading.Thread):
    """Publishes copies of a model's production version under new numbers, and moves the alias to and fro."""

    def __init__(self, root: Path, model: str, *, interval_s: float = RELEASE_INTERVAL_S) -> None:
        super().__init__(daemon=True)
        self.published = self.away = 0
        self._store = FolderStore(root)
        self._root = root
        self._model = model
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._origin = self._store.aliases(model).entries["production"].version

    def run(self) -> None:
        """Go on until stopped."""
        while not self._stopped.wait(self._interval_s):
            with suppress(GanymedeError):  # the store may be away
                self._publish()
            if self.published % AWAY_EVERY == 0:
                self._be_away()

    def stop(self) -> None:
        """Let the last release be finished."""
        self._stopped.set()
        self.join()

    def _publish(self) -> None:
        version = f"soak-{self.published}"
        origin = self._store.manifest(self._model, self._origin)
        folder = self._root / self._model / "versions" / self._origin
        files = {file.path: folder / file.path for file in origin.files}
        self._store.publish(origin.model_copy(update={"version": version}), files)
        self.published += 1
        promote(self._store, self._model, version)
        if self.published % 2:
            promote(self._store, self._model, self._origin)
        elif self.published > 4:  # the disk is to hold hours of this
            old = self._root / self._model / "versions" / f"soak-{self.published - 4}"
            shutil.rmtree(old, ignore_errors=True)

    def _be_away(self) -> None:
        """The folder is not there for a while, as a mount that was lost."""
        hidden = self._root.with_name(f"{self._root.name}-away")
        self._root.rename(hidden)
        self.away += 1
        self._stopped.wait(AWAY_S)
        hidden.rename(self._root)

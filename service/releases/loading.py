"""From a version in the store to a release that may be used: fetched, opened, checked and warmed up."""

import asyncio
import logging
from collections.abc import Callable

from foundation.errors import ReleaseRefused
from foundation.store import Store
from service.engine.devices import Device
from service.engine.threads import Threads
from service.releases.curvatures import Curvatures
from service.releases.opening import Fetched, Release, fetch_release, open_fetched

SLOW_S = 5.0
"""A release that loads for longer lets the next one begin."""
MAX_LOADING_ALIVE = 12
"""Those that load, and those given up whose threads have not ended."""

log = logging.getLogger(__name__)


class Loading:
    """Loads releases in threads of its own, a few at a time."""

    def __init__(
        self,
        store: Store,
        device: Device,
        *,
        max_graph_bytes: int,
        timeout_s: float,
        warm_up: Callable[[Release], None] | None,
    ) -> None:
        """Opening, checking and warming a release up may take `timeout_s`; `warm_up` runs in a thread."""
        self._store = store
        self._device = device
        self._max_graph_bytes = max_graph_bytes
        self._timeout_s = timeout_s
        self._warm_up = warm_up
        self._curvatures = Curvatures()
        self._threads = Threads(
            "loading", max_running=2, max_waiting=1000, slow_s=SLOW_S, max_alive=MAX_LOADING_ALIVE
        )

    async def load(self, model: str, version: str) -> Release:
        """A release that is ready to draw.

        Raises:
            ModelNotFound: there is no such version.
            ReleaseRefused: it cannot be served, or is not ready in time.
            StoreUnreachable: the store does not answer.
            Unavailable: too many load already.
        """
        fetched = await self._threads.run(self._fetch, model, version)
        try:
            return await asyncio.wait_for(self._threads.run(self._open, fetched), self._timeout_s + 5)
        except TimeoutError:  # its golden check was told to end before, so something else hangs
            raise ReleaseRefused(
                f"{model}@{version} could not be opened and checked within {self._timeout_s:g} s."
            ) from None

    def load_here(self, model: str, version: str) -> Release:
        """As `load`, in this thread; for programs without a loop."""
        return self._open(self._fetch(model, version))

    def _fetch(self, model: str, version: str) -> Fetched:
        return fetch_release(self._store, model, version, max_graph_bytes=self._max_graph_bytes)

    def _open(self, fetched: Fetched) -> Release:
        release = open_fetched(fetched, self._device, timeout_s=self._timeout_s, curvatures=self._curvatures)
        if self._warm_up is not None:
            self._warm_up(release)
        log.info("opened %s from %s", release.manifest.reference, self._store.location)
        return release

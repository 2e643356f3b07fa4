"""The directions of a release that is in memory: read once, and kept with it."""

import asyncio

from foundation.errors import InvalidField, ReleaseRefused
from foundation.manifest import Manifest
from foundation.store import Store
from service.requests.directions import Directions, read_directions


class ReleaseDirections:
    """What `read_directions` answers for one release, remembered; a store that is away is asked again."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store = store
        self._manifest = manifest
        self._answer: Directions | InvalidField | ReleaseRefused | None = None
        self._reading: asyncio.Future[Directions] | None = None

    async def get(self) -> Directions:
        """The directions, at once if they were read before, else read in a thread.

        Raises:
            InvalidField, ReleaseRefused, StoreUnreachable: as `read_directions`.
        """
        found = self.known()
        if found is not None:
            return found
        if self._reading is None or self._reading.done():  # one thread, however many ask
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._read))
        return await asyncio.shield(self._reading)

    def known(self) -> Directions | None:
        """The directions if they were read; None if not yet. Raises what was wrong with them."""
        answer = self._answer
        if isinstance(answer, (InvalidField, ReleaseRefused)):
            raise answer.with_traceback(None)
        return answer

    def _read(self) -> Directions:
        try:
            found = read_directions(self._store, self._manifest)
        except (InvalidField, ReleaseRefused) as error:
            self._answer = error
            raise
        self._answer = found
        return found

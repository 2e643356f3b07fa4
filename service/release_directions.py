"""The directions of a release that is in memory: read once, and kept with it."""

import asyncio
import threading

from service.directions import Directions, read_directions
from service.errors import InvalidField, ReleaseRefused
from service.manifest import Manifest
from service.store import Store


class ReleaseDirections:
    """What `read_directions` answers for one release, remembered; a store that is away is asked again."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store = store
        self._manifest = manifest
        self._answer: Directions | InvalidField | ReleaseRefused | None = None
        self._lock = threading.Lock()

    async def get(self) -> Directions:
        """The directions, at once if they were read before, else read in a thread.

        Raises:
            InvalidField, ReleaseRefused, StoreUnreachable: as `read_directions`.
        """
        found = self.known()
        return found if found is not None else await asyncio.to_thread(self.read)

    def read(self) -> Directions:
        """The directions; whoever asks while they are being read waits. Raises as `get`."""
        with self._lock:
            found = self.known()
            if found is None:
                try:
                    found = read_directions(self._store, self._manifest)
                except (InvalidField, ReleaseRefused) as error:
                    self._answer = error
                    raise
                self._answer = found
            return found

    def known(self) -> Directions | None:
        """The directions if they were read; None if not yet. Raises what was wrong with them."""
        answer = self._answer
        if isinstance(answer, (InvalidField, ReleaseRefused)):
            raise answer.with_traceback(None)
        return answer

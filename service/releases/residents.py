"""The releases that are in memory: a bounded number, each loaded once for however many wait for it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from foundation.errors import ReleaseRefused, Unavailable
from service.releases.opening import Release

Key = tuple[str, str]
"""A model's name and its version."""

MAX_LOADING = 8
MAX_LOADING_OF_MODEL = 3
"""For requests: what follows the store is never refused for what others load."""
REFUSAL_KEPT_S = 60
"""A refused release is not looked at again within this time."""


class Residents:
    """Loads releases off the event loop; the least recently used leaves, pinned ones stay.

    To be used from the event loop alone. Whoever holds a release that left may finish with it.
    """

    def __init__(
        self,
        load: Callable[[str, str], Awaitable[Release]],
        *,
        max_resident: int,
        timeout_s: float,
        changed: Callable[[Sequence[Release]], None],
    ) -> None:
        """`changed` is told of all residents whenever one came or left."""
        self._load_release = load
        self._max_resident = max_resident
        self._timeout_s = timeout_s
        self._changed = changed
        self._releases: OrderedDict[Key, Release] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Release]] = {}
        self._refused: dict[Key, tuple[float, ReleaseRefused]] = {}
        self._pinned: frozenset[Key] = frozenset()

    def find(self, key: Key) -> Release | None:
        """The release if it is here; it is then the most recently used."""
        release = self._releases.get(key)
        if release is not None:
            self._releases.move_to_end(key)
        return release

    def has(self, key: Key) -> bool:
        """Whether the release is here, without using it."""
        return key in self._releases

    def held(self) -> dict[Key, Release]:
        """All that are here, without using any."""
        return dict(self._releases)

    async def obtain(self, key: Key, *, patient: bool = False) -> Release:
        """The release, loaded if it is not here; `patient` waits for that as long as loading may take.

        Raises:
            ReleaseRefused: it cannot be served.
            ModelNotFound, StoreUnreachable: it cannot be had.
            Unavailable: it takes longer than the time limit (and goes on loading), or too many others load.
        """
        if release := self.find(key):
            return release
        self._raise_known_refusal(key)
        if key not in self._loading:
            if not patient:
                self._check_room(key[0])
            self._loading[key] = asyncio.create_task(self._load(key))
            self._loading[key].add_done_callback(_forget_failure)
        task = self._loading[key]
        done, _ = await asyncio.wait([task], timeout=None if patient else self._timeout_s)
        if not done:
            raise Unavailable(f"{'@'.join(key)} is still being loaded.", retry_after_s=5)
        return task.result()

    def pin(self, keys: Iterable[Key]) -> None:
        """Let these releases, and no others, be those that stay whatever else is asked for."""
        self._pinned = frozenset(keys)

    def drop(self, key: Key) -> None:
        """Let go of a release; who holds it may finish."""
        if key not in self._pinned and key in self._releases:
            del self._releases[key]
            self._tell()

    async def close(self) -> None:
        """Stop what is being loaded as soon as it can be, and let go of everything."""
        for task in self._loading.values():
            task.cancel()
        self._releases.clear()

    def _check_room(self, model: str) -> None:
        of_model = sum(name == model for name, _ in self._loading)
        if len(self._loading) >= MAX_LOADING or of_model >= MAX_LOADING_OF_MODEL:
            raise Unavailable(f"{len(self._loading)} other releases are being loaded.", retry_after_s=5)

    async def _load(self, key: Key) -> Release:
        try:
            release = await self._load_release(*key)
        except ReleaseRefused as refusal:
            self._refused[key] = (time.monotonic(), refusal)
            raise
        finally:
            del self._loading[key]
        self._releases[key] = release
        leaving = [other for other in self._releases if other != key and other not in self._pinned]
        for other in leaving[: max(0, len(self._releases) - self._max_resident)]:
            del self._releases[other]
        self._tell()
        return release

    def _raise_known_refusal(self, key: Key) -> None:
        now = time.monotonic()
        for other, (since, _) in list(self._refused.items()):
            if now - since > REFUSAL_KEPT_S:
                del self._refused[other]
        if known := self._refused.get(key):
            raise known[1].with_traceback(None)

    def _tell(self) -> None:
        self._changed(tuple(self._releases.values()))


def _forget_failure(task: asyncio.Task[Release]) -> None:
    """Look at a failure that every waiter may have stopped waiting for, so that asyncio does not complain."""
    if not task.cancelled():
        task.exception()

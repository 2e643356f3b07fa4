"""A store whose every call ends in time, whatever the network or the disk behind it does."""

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from foundation.errors import StoreUnreachable
from foundation.manifest import Manifest
from foundation.store.aliases import Aliases
from foundation.store.interface import MAX_READ_BYTES, Store
from foundation.store.publication import entry_of
from foundation.store.wrapped import WrappedStore

Answer = TypeVar("Answer")

MAX_CALLS = 32
"""Calls under way at a time, those among them that were given up and have not ended yet."""
FETCH_BYTES_PER_S = 2**19
"""A file has the time of a call, and as much more as it takes at this rate."""


class TimedStore(WrappedStore):
    """Asks `store` in a thread of its own for each call, and gives up what does not end in time.

    A time limit on a socket bounds each piece of an answer; one that drips byte by byte passes it for hours.
    What is written has no limit of its own: its end depends on the size of what is sent.
    """

    def __init__(self, store: Store, *, call_timeout_s: float, max_calls: int = MAX_CALLS) -> None:
        super().__init__(store)
        self._call_timeout_s = call_timeout_s
        self._max_calls = max_calls
        self._places = threading.BoundedSemaphore(max_calls)
        self._failure: StoreUnreachable | None = None

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why the last call that ended brought no answer; see `Store.failure`."""
        return self._failure or self._store.failure

    def models(self) -> list[str]:
        """See `Store.models`."""
        return self._call(self._store.models)

    def versions(self, model: str) -> list[str]:
        """See `Store.versions`."""
        return self._call(lambda: self._store.versions(model))

    def manifest(self, model: str, version: str) -> Manifest:
        """See `Store.manifest`."""
        return self._call(lambda: self._store.manifest(model, version))

    def manifest_text(self, model: str, version: str) -> bytes:
        """See `Store.manifest_text`."""
        return self._call(lambda: self._store.manifest_text(model, version))

    def signature(self, model: str, version: str) -> bytes | None:
        """See `Store.signature`."""
        return self._call(lambda: self._store.signature(model, version))

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """See `Store.read`."""
        return self._call(
            lambda: self._store.read(manifest, path, max_bytes=max_bytes),
            size_bytes=min(entry_of(manifest, path).size_bytes, max_bytes),
        )

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """See `Store.fetch`."""
        self._call(
            lambda: self._store.fetch(manifest, path, target), size_bytes=entry_of(manifest, path).size_bytes
        )

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """See `Store.aliases`."""
        return self._call(lambda: self._store.aliases(model, known))

    def _call(self, ask: Callable[[], Answer], *, size_bytes: int = 0) -> Answer:
        if not self._places.acquire(blocking=False):
            raise self._fail(f"{self._max_calls} calls to it are under way and do not end")
        limit_s = self._call_timeout_s + size_bytes / FETCH_BYTES_PER_S
        call = _Call(ask, ended=self._places.release)
        if not call.wait(limit_s):
            raise self._fail(
                f"no whole answer within {limit_s:g} s (GANYMEDE_STORE_CALL_TIMEOUT_S is "
                f"{self._call_timeout_s:g})"
            )
        self._failure = None
        return call.answer()

    def _fail(self, reason: str) -> StoreUnreachable:
        self._failure = StoreUnreachable(f"{self.location}: {reason}.", outside=f"the store: {reason}.")
        return self._failure


class _GivenUp(BaseException):
    """Raised inside a call that nobody waits for any more."""


class _Call(Generic[Answer]):
    """One call in a daemon thread."""

    def __init__(self, ask: Callable[[], Answer], *, ended: Callable[[], object]) -> None:
        self._ask = ask
        self._ended = ended
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._answer: list[Answer] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="store call", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no more threads
            ended()
            raise StoreUnreachable("This machine has no thread left to ask the store.") from error

    def wait(self, limit_s: float) -> bool:
        """Whether it ended within the limit; if not, it is interrupted."""
        if self._over.wait(limit_s):
            return True
        with self._lock:
            if self._over.is_set():
                return True
            # Closing the socket would be better, but botocore lets nobody have it. The exception comes up
            # when the thread next runs Python: after the next byte, or at the socket's own time limit.
            ident = ctypes.c_ulong(self._thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(_GivenUp))
        return False

    def answer(self) -> Answer:
        """What the call returned; what it raised is raised."""
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def _run(self) -> None:
        try:
            try:
                self._answer.append(self._ask())
            except _GivenUp:
                return
            except BaseException as error:  # whoever waits gets it
                self._error = error
            finally:
                try:
                    with self._lock:
                        self._over.set()
                finally:
                    self._ended()
        except _GivenUp:  # it came a moment late
            return

"""The bytes that answers under way hold, from their admission until they are sent: bounded, and shared."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from foundation.errors import Unavailable
from service.engine.room import Room

_RETRY_AFTER_S = 2


class BytesFull(Unavailable):
    """The answers under way hold as many bytes as they may."""

    code = "bytes-full"


class Budget:
    """How many bytes answers may hold at once, in memory and in files; to be used on one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._room = Room(max_bytes)

    @property
    def held_bytes(self) -> int:
        """What the answers under way hold."""
        return self._room.held

    def hold(self, size: int, requester: str | None = None) -> "Holding":
        """Count `size` bytes until they are released.

        Raises:
            BytesFull: there is no room for them, or what is left of it is kept for other requesters. One
                answer that is alone is always let in, however large.
        """
        self.check(size, requester)
        return Holding(self._room, size, requester)

    def check(self, size: int, requester: str | None = None) -> None:
        """Refuse `size` bytes where `hold` would.

        Raises:
            BytesFull: answers under way hold too much, all together or those of `requester`.
        """
        room = self._room
        if room.fits(size, requester):
            return
        if room.is_full(size):
            reason = (
                f"Answers under way hold {room.held:,} of {room.maximum:,} bytes; this one needs {size:,}."
            )
        else:
            reason = (
                f"Your answers under way hold {room.share_of(requester):,} of {room.maximum:,} bytes; "
                "what is left is kept for others."
            )
        raise BytesFull(f"{reason} Try again in {_RETRY_AFTER_S} s.", retry_after_s=_RETRY_AFTER_S)


class Holding:
    """Bytes of one answer, counted until `release`, and as long as a thread still uses them.

    All but `used` is for the event loop.
    """

    def __init__(self, room: Room, size: int, requester: str | None) -> None:
        self.requester = requester
        self._room = room
        self._size = size
        self._state = threading.Lock()
        self._users = 0
        self._released_on: asyncio.AbstractEventLoop | None = None
        room.take(size, requester)

    @contextmanager
    def used(self) -> Iterator[None]:
        """In a thread: what is held is in use, even if nobody waits for the answer any more."""
        with self._state:
            self._users += 1
        try:
            yield
        finally:
            with self._state:
                self._users -= 1
                loop = None if self._users else self._released_on
            if loop is not None:
                with suppress(RuntimeError):  # the process ends, and nobody counts any more
                    loop.call_soon_threadsafe(self.release)

    def resize(self, size: int) -> None:
        """Count `size` bytes from now on; an answer that was released stays so."""
        if self._size:
            self._room.give_back(self._size, self.requester)
            self._size = size
            self._room.take(size, self.requester)

    def release(self) -> None:
        """Count nothing any more, as soon as no thread uses it; a second time changes nothing."""
        with self._state:
            if self._users:
                self._released_on = asyncio.get_running_loop()
                return
        if self._size:
            self._room.give_back(self._size, self.requester)
            self._size = 0

    def __enter__(self) -> "Holding":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

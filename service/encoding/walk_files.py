"""The file of a walk while it is written: who uses the encoder is who frees it.

An encoder holds memory that is not Python's. It is used by one thread of a pool at a time, and closed by the
thread that used it last; whoever waits for that thread may leave at once, however often it is told to.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec, TypeVar

from foundation.exhaustion import explain_exhaustion, explain_no_place
from service.encoding.animation import Encoder
from service.encoding.encoding_threads import EncodingThreads

log = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")
AnEncoder = TypeVar("AnEncoder", bound=Encoder)


class WalkLeft(Exception):
    """Nobody waits for this walk any more."""


class WalkFile(Generic[AnEncoder]):
    """A walk's file at `path`, written in the threads of `pool` by the encoder that `open_encoder` opens.

    Each use of a thread is a turn of `requester`.

    `leave` must be called in the end, from the event loop. Unless the file is kept, `discard` is called then:
    in a thread once nobody uses it any more, or at once if nobody has; without it the file is removed.
    """

    def __init__(
        self,
        pool: EncodingThreads,
        path: Path,
        open_encoder: Callable[[], AnEncoder],
        *,
        requester: str | None,
        discard: Callable[[], None] | None = None,
    ) -> None:
        self._pool = pool
        self._requester, self._since = requester, time.perf_counter()
        self._path = path
        self._open_encoder = open_encoder
        self._discard = discard or self._remove
        self._encoder: AnEncoder | None = None
        self._state = threading.Lock()
        self._begun = self._busy = self._left = self._kept = False

    @property
    def left(self) -> bool:
        """Whether nobody waits for it any more: a thread that encodes looks here between frames."""
        return self._left

    async def run(
        self,
        pixels: int,
        function: Callable[Concatenate[AnEncoder, Parameters], None],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> float:
        """Call `function` in the pool with the encoder, and `args` after it; the seconds that it took.

        It waits for a turn of its requester's with so many `pixels`.

        Raises:
            Unavailable: the disk is full, or the folder is away or read-only.
        """
        use = partial(self._use, lambda encoder: function(encoder, *args, **kwargs))
        used = self._pool.submit(use, requester=self._requester, pixels=pixels, since=self._since)
        return await asyncio.wrap_future(used)

    def leave(self, *, keep: bool = False) -> None:
        """Wait for nothing: a thread that encodes stops at its next frame, and frees what it used.

        Where none has begun there is nothing to free: who leaves early costs no thread.
        """
        with self._state:
            if self._left:
                return
            self._left, self._kept = True, keep
            begun, busy = self._begun, self._busy
        if not begun:
            self._free()
        elif not busy:
            try:
                self._pool.submit(self._free)
            except RuntimeError:  # the pool has ended, and with it all who used the encoder
                self._free()

    def _use(self, use: Callable[[AnEncoder], None]) -> float:
        """In the pool."""
        started = time.perf_counter()
        self._begin()
        try:
            if self._encoder is None:
                self._encoder = self._open_encoder()
            use(self._encoder)
        except (OSError, MemoryError) as error:
            refusal = explain_exhaustion(error) or explain_no_place(error)
            if refusal is None:
                raise
            log.error("a walk was given up: %s (%s)", refusal, error)  # noqa: TRY400 - the sentence says it all
            raise refusal from None
        finally:
            self._end()
        return time.perf_counter() - started

    def _begin(self) -> None:
        with self._state:
            if self._left:
                raise WalkLeft
            self._begun = self._busy = True

    def _end(self) -> None:
        with self._state:
            self._busy = False
            left = self._left
        if left:
            self._free()

    def _free(self) -> None:
        """Once, in the pool if that was used: nobody has used the encoder since `leave`, and nobody will."""
        try:
            if self._encoder is not None:
                self._encoder.close()
        except Exception:
            if self._kept:
                log.exception("the encoder of a walk could not be closed")
        finally:
            self._encoder = None
            if not self._kept:
                self._discard()

    def _remove(self) -> None:
        for path in (self._path, self._path.with_suffix(".moved")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

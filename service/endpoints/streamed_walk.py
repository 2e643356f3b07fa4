"""The response that sends a walk while it is made."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from foundation.errors import ClientGone, GanymedeError
from service.engine.engine import Engine
from service.engine.streams import Pieces
from service.http.disconnection import unless_gone

log = logging.getLogger(__name__)


class StreamedWalk(Response):
    """The `first` pieces of a walk and those that `stream` yields, each once the client took most before it.

    With `interval_s` a piece goes so long after the one before; a process that ends does not wait for that.
    """

    def __init__(
        self,
        first: Pieces,
        stream: AsyncGenerator[Pieces, None],
        engine: Engine,
        *,
        media_type: str,
        headers: Mapping[str, str],
        interval_s: float = 0.0,
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]
        self._first, self._stream, self._engine, self._interval_s = first, stream, engine, interval_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI). What goes wrong on the way cuts the answer off: its end never comes."""
        async with aclosing(self._stream):
            try:
                await unless_gone(receive, self._pour(send))
            except ClientGone:
                return
            except GanymedeError as error:
                log.warning("a walk was broken off while it was sent: %s", error)

    async def _pour(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        due_s = asyncio.get_running_loop().time()
        for piece in self._first.pieces:
            due_s = await self._send_when_due(piece, due_s, send)
        async for found in self._stream:
            for piece in found.pieces:
                due_s = await self._send_when_due(piece, due_s, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_when_due(self, piece: bytes, due_s: float, send: Send) -> float:
        """Send `piece` at `due_s` of the event loop's clock, or now if that is past; when the next is due."""
        now_s = asyncio.get_running_loop().time()
        if due_s > now_s and not self._engine.draining:
            await asyncio.sleep(due_s - now_s)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        return max(due_s, now_s) + self._interval_s

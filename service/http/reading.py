"""Taking a request's body off the wire: bounded in bytes and time, and away from the event loop if large."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.types import Message, Receive

from foundation.errors import BodyTooLarge, ClientGone, GanymedeError, RequestTimeout, Unavailable
from service.http.bodies import parse_body

Schema = TypeVar("Schema", bound=BaseModel)
Parsed = TypeVar("Parsed")

SMALL_BYTES = 2**16
"""What is parsed in well under a millisecond: on the event loop, and without a share of the budget."""

_BODIES_AT_ONCE = 16
"""So many of the largest may be held in memory while they arrive and are parsed."""


class UnsupportedEncoding(GanymedeError):
    """The body is compressed."""

    code = "unsupported-encoding"


class Bodies:
    """Reads the bodies of requests; one for a process."""

    def __init__(self, *, max_bytes: int, max_images: int, timeout_s: float) -> None:
        """Bodies of at most `max_bytes`, all of which must have come `timeout_s` after their heads."""
        self._max_bytes = max_bytes
        self.max_parts = 4 * max_images + 4096
        """Lists, objects, fields or texts of a body: more than so many images take."""
        self._timeout_s = timeout_s
        self._budget_bytes = _BODIES_AT_ONCE * max_bytes
        self._parser = ThreadPoolExecutor(1, thread_name_prefix="bodies")

    async def read(self, http_request: Request, schema: type[Schema]) -> Schema:
        """The request's JSON body as `schema`; no body at all means `{}`. The Content-Type does not matter.

        Raises:
            GanymedeError: what `take` and `service.http.bodies.parse_body` raise.
        """

        def parse(content: bytes) -> Schema:
            return parse_body(content or b"{}", schema, max_parts=self.max_parts)

        return await self.take(http_request, parse)

    async def take(self, http_request: Request, parse: Callable[[bytes], Parsed]) -> Parsed:
        """What `parse` makes of the request's body; in a thread of its own if the body is large.

        Raises:
            UnsupportedEncoding: it is compressed.
            BodyTooLarge: it has more bytes than are read.
            RequestTimeout: it did not come in time.
            ClientGone: the client left before its end.
            Unavailable: many large bodies are under way.
            GanymedeError: what `parse` raises.
        """
        _check_coding(http_request.headers.get("content-encoding", "identity"))
        message = await http_request.receive()
        if message["type"] == "http.request" and not message.get("more_body"):  # as most are: it came at once
            content = message.get("body", b"")
            if len(content) <= SMALL_BYTES:
                return parse(content)
        with self._budget() as hold:
            try:
                async with asyncio.timeout(self._timeout_s):
                    content = await self._gather(http_request.receive, message, hold)
            except TimeoutError:
                raise RequestTimeout(f"The body did not come within {self._timeout_s:g} s.") from None
            if len(content) <= SMALL_BYTES:
                return parse(content)
            return await asyncio.get_running_loop().run_in_executor(self._parser, parse, content)

    async def close(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._parser.shutdown)

    async def _gather(self, receive: Receive, message: Message, hold: Callable[[int], None]) -> bytes:
        """All of a body that begins with `message`; `hold` is told how much there is of it."""
        content = bytearray()
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone("The client hung up before the end of its body.")
            content += message.get("body", b"")
            if len(content) > self._max_bytes:
                raise self._too_large()
            if len(content) > SMALL_BYTES:
                hold(len(content))
            if not message.get("more_body"):
                return bytes(content)
            message = await receive()

    @contextmanager
    def _budget(self) -> Iterator[Callable[[int], None]]:
        """What takes a body's share of the bytes that all may hold, and gives it back at the end."""
        held = 0

        def hold(count: int) -> None:
            nonlocal held
            if count - held > self._budget_bytes:
                raise Unavailable("Many large bodies are on their way; try again.")
            self._budget_bytes -= count - held
            held = count

        try:
            yield hold
        finally:
            self._budget_bytes += held

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body has more than the {self._max_bytes:,} bytes that are read.")


def _check_coding(named: str) -> None:
    codings = {coding.strip().lower() for coding in named[:200].split(",")}
    if codings - {"identity", ""}:
        raise UnsupportedEncoding(f"The body is sent as {named[:40]}; send it uncompressed.")

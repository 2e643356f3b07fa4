"""Taking a request's body off the wire: bounded in bytes and time, and away from the event loop if large."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.types import Message, Receive

from foundation.errors import BodyTooLarge, ClientGone, GanymedeError, RequestTimeout, Unavailable
from service.engine.room import Room
from service.http.bodies import SMALL_BYTES, parse_optional_body
from service.http.fields import read_field
from service.http.requesters import current_requester

Schema = TypeVar("Schema", bound=BaseModel)
Parsed = TypeVar("Parsed")

_BODIES_AT_ONCE = 16
"""So many of the largest may be held while they arrive and are parsed; requesters share them (`Room`)."""

_FEW_NUMBERS = 2**13
"""What is made into arrays in well under a millisecond."""

_PROGRESS_BYTES = 10 * 2**10
_PROGRESS_S = 10.0
"""Of a body that holds a share of those, so many bytes must come in so long a time: one KiB a second."""


class UnsupportedEncoding(GanymedeError):
    """The body is compressed."""

    code = "unsupported-encoding"


class Bodies:
    """Reads the bodies of requests; one for a process."""

    def __init__(self, *, max_bytes: int, max_images: int, timeout_s: float) -> None:
        """Bodies of at most `max_bytes`, all of which must have come `timeout_s` after their heads."""
        self._max_bytes = max_bytes
        self.max_images = max_images
        """Of a request: they bound the parts of a body."""
        self._timeout_s = timeout_s
        self._room = Room(_BODIES_AT_ONCE * max_bytes)
        self._parser = ThreadPoolExecutor(1, thread_name_prefix="bodies")

    def read(self, http_request: Request, schema: type[Schema]) -> Awaitable[Schema]:
        """The request's JSON body as `schema`; no body at all means `{}`. The Content-Type does not matter.

        Raises:
            GanymedeError: what `take` and `service.http.bodies.parse_optional_body` raise.
        """
        return self.take(
            http_request, partial(parse_optional_body, schema=schema, max_images=self.max_images)
        )

    async def take(self, http_request: Request, parse: Callable[[bytes], Parsed]) -> Parsed:
        """What `parse` makes of the request's body; in a thread of its own if the body is large.

        Raises:
            UnsupportedEncoding: it is compressed.
            BodyTooLarge: it has more bytes than are read.
            RequestTimeout: it did not come in time, or hardly any more of a large one came.
            ClientGone: the client left before its end.
            Unavailable: many large bodies are under way, all or the requester's own.
            GanymedeError: what `parse` raises.
        """
        _check_coding(read_field(http_request.scope, b"content-encoding"))
        message = await http_request.receive()
        if message["type"] == "http.request" and not message.get("more_body"):  # as most are: it came at once
            content = message.get("body", b"")
            if len(content) <= SMALL_BYTES:
                return parse(content)
        with self._share(read_field(http_request.scope, b"content-length")) as hold:
            try:
                async with asyncio.timeout(self._timeout_s):
                    content = await self._gather(http_request.receive, message, hold)
            except TimeoutError:
                raise RequestTimeout(f"The body did not come within {self._timeout_s:g} s.") from None
            if len(content) <= SMALL_BYTES:
                return parse(content)
            return await asyncio.get_running_loop().run_in_executor(self._parser, parse, content)

    async def convert(self, numbers: int, function: Callable[[], Parsed]) -> Parsed:
        """What `function` makes of the `numbers` that a body brought; in the bodies' thread if they are many.

        It lets other threads have their turns in between, as the parsers do.

        Raises:
            GanymedeError: what `function` raises.
        """
        if numbers <= _FEW_NUMBERS:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._parser, function)

    async def close(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._parser.shutdown)

    async def _gather(self, receive: Receive, message: Message, hold: Callable[[], None]) -> bytes:
        """All of a body that begins with `message`; `hold` is called once it is no small one."""
        content = bytearray()
        now = asyncio.get_running_loop().time
        seen_bytes, seen_s = 0, now()
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone("The client hung up before the end of its body.")
            content += message.get("body", b"")
            if len(content) > self._max_bytes:
                raise self._too_large()
            if len(content) > SMALL_BYTES:
                hold()
            if not message.get("more_body"):
                return bytes(content)
            if len(content) <= SMALL_BYTES:
                message = await receive()
                continue
            if len(content) - seen_bytes >= _PROGRESS_BYTES:
                seen_bytes, seen_s = len(content), now()
            message = await self._receive_more(receive, seen_s + _PROGRESS_S)

    async def _receive_more(self, receive: Receive, until_s: float) -> Message:
        try:
            async with asyncio.timeout_at(until_s):
                return await receive()
        except TimeoutError:
            raise RequestTimeout(
                f"Of the body less than {_PROGRESS_BYTES:,} bytes came in {_PROGRESS_S:g} s; a large one may "
                "not stop on its way."
            ) from None

    @contextmanager
    def _share(self, announced: str | None) -> Iterator[Callable[[], None]]:
        """What takes a body's share of the bytes that all may hold, and gives it back at the end.

        Of all that is `announced`, or of the most that is read: what has begun to come is not refused later.
        """
        held, requester = 0, current_requester()

        def hold() -> None:
            nonlocal held
            if held:
                return
            known = announced is not None and announced.isascii() and announced.isdigit()
            size = min(int(announced or 0), self._max_bytes) if known else self._max_bytes
            if not self._room.fits(size, requester):
                raise Unavailable("Many large bodies are on their way; try again.")
            self._room.take(size, requester)
            held = size

        try:
            yield hold
        finally:
            self._room.give_back(held, requester)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body has more than the {self._max_bytes:,} bytes that are read.")


def _check_coding(named: str | None) -> None:
    if named is None:
        return
    codings = {coding.strip().lower() for coding in named[:200].split(",")}
    if codings - {"identity", ""}:
        raise UnsupportedEncoding(f"The body is sent as {named[:40]}; send it uncompressed.")

"""The guarded protocol, which takes what is large off the wire at a pace that leaves the loop to others."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from foundation.errors import BodyTooLarge
from service.http.requesters import address_of
from service.server.intake import LARGE_BYTES, Intake
from service.server.paced_flow import PacedFlow
from service.server.refused_heads import HeadTooLarge
from service.server.timed_protocol import TimedProtocol
from service.server.wire_limits import FIELDS

_CHUNKS = 8192
_CHUNK_BYTES = 64
"""A body of more pieces than those has so many bytes in each, on average: each costs as much as a field."""


class PacedProtocol(TimedProtocol):
    """A connection on which a large message is read a piece at a time, whoever it is for."""

    flow: PacedFlow

    def __init__(self, *arguments: Any, intake: Intake, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._intake = intake
        self._message_bytes = self._pieces = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """Take the connection."""
        super().connection_made(transport)
        self.flow = PacedFlow(transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on to the parser, and read no more for a while if much has come."""
        self._message_bytes += len(data)
        if self._message_bytes <= LARGE_BYTES:
            super().data_received(data)
            return
        began = time.thread_time()
        super().data_received(data)
        address = address_of(self._asking()) or ""
        wait_s = self._intake.count(address, len(data), time.thread_time() - began, self.loop.time())
        if wait_s and not self.transport.is_closing():
            self.flow.hold()
            self.loop.call_later(wait_s, self.flow.release)

    def _asking(self) -> Mapping[str, Any]:
        """Whom it counts for: the scope of the request under way, which knows the address behind a proxy."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        return self.cycle.scope if under_way else {"client": self.client}

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self._message_bytes = self._pieces = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field, of the head or behind the body; the first that is too many ends it."""
        super().on_header(name, value)
        if len(self.headers) > FIELDS:
            self.refuse(HeadTooLarge(f"There are more fields than the {FIELDS} that are read."))

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body."""
        self._pieces += 1
        super().on_body(body)
        if self._pieces > _CHUNKS and self._body_bytes < self._pieces * _CHUNK_BYTES:
            self.refuse(
                BodyTooLarge(
                    f"The body comes in more than {_CHUNKS:,} chunks of a few bytes; send it in larger ones."
                )
            )

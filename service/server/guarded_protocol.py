"""uvicorn's protocol with bounds of size: of a head, of a body, of what stands around it.

Only names are extended that are public: asyncio's protocol interface, and the callbacks of httptools' parser.
"""

from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foundation.errors import BodyTooLarge, GanymedeError, MalformedRequest
from service.endpoints.context import Context
from service.http.addresses import OPEN_PATHS
from service.server.refused_heads import (
    TooManyConnections,
    TooManyWaiting,
    check_head,
    check_upgrade,
    explain_length,
    send_refusal,
)
from service.server.unanswered import Unanswered, tell_gone
from service.server.upgrades import pass_over_upgrade
from service.server.wire_limits import HEAD_BYTES, LINGER_BYTES, PIPELINED, WireLimits

BETWEEN, HEAD, BODY, REFUSED = range(4)
"""Where in a request a connection is."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection of uvicorn's that ends when it sends more than it may, with a problem document.

    The document comes in its turn: after the answers to what was asked before on the connection.
    """

    def __init__(self, *arguments: Any, context: Context, limits: WireLimits, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.context, self.limits = context, limits
        self.restricted = False
        """Whether it is answered about health alone."""
        self.url, self.headers = b"", []
        self._stage, self._since = HEAD, self.loop.time()
        self._begun = False
        self._unfinished_bytes = 0
        """Received since the last head or piece of a body was complete."""
        self._body_bytes = 0
        self._counted = True
        """Whether all of this head is among those; not where it began in the middle of what came at once."""
        self._wrong: GanymedeError | None = None
        """What a callback of the parser found."""
        self._due: GanymedeError | None = None
        """A refusal that waits for the answers before it."""
        self._unanswered = Unanswered()

    # asyncio's protocol

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all that was asked on it."""
        self._unanswered.disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count, and pass it on to the parser."""
        self._unfinished_bytes += len(data)
        if self._stage == REFUSED:
            if self._unfinished_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        if self._stage == BETWEEN:
            self._stage, self._since, self._begun, self._counted = HEAD, self.loop.time(), False, True
        if not self._begun:
            data = pass_over_upgrade(data)
        super().data_received(data)
        if self._unfinished_bytes > HEAD_BYTES and self._stage != REFUSED:
            self._turn_away(explain_length(self.url, in_head=self._stage == HEAD))

    # httptools' callbacks

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        if self._stage == BETWEEN:  # behind another in one piece
            self._stage, self._since = HEAD, self.loop.time()
            self._counted = False
        self._begun = True

    def on_headers_complete(self) -> None:
        """A request's head: refuse it, or let uvicorn start its task.

        Raises:
            GanymedeError: it is refused; the parser, whose callback this is, then asks for a 400.
        """
        try:
            check_head(
                self.url, self.headers, received_bytes=self._unfinished_bytes if self._counted else None
            )
            if len(self.pipeline) >= PIPELINED:
                raise TooManyWaiting(f"More than {PIPELINED} requests wait on this connection.")
            if self.restricted and self.url.partition(b"?")[0].decode("latin-1") not in OPEN_PATHS:
                raise TooManyConnections("This process has as many connections as it may; come again.")
            if self.parser.should_upgrade():
                check_upgrade(self.headers)
        except GanymedeError as error:
            self.refuse(error)
        super().on_headers_complete()
        self._unanswered.begin(self.cycle)
        self._stage, self._since, self._unfinished_bytes, self._body_bytes = BODY, self.loop.time(), 0, 0
        self.headers = []  # fields behind the body are none of its head's: they go nowhere
        if self.restricted or self.context.engine.leaving:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body."""
        self._unfinished_bytes = 0
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.body_bytes and not self.cycle.response_complete:
            self.refuse(BodyTooLarge(f"The body has more than {self.limits.body_bytes:,} bytes."))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request's last byte."""
        self._stage, self._unfinished_bytes = BETWEEN, 0
        super().on_message_complete()

    def refuse(self, error: GanymedeError) -> NoReturn:
        """End the parsing, within one of its callbacks: `error` is what the client is told.

        Raises:
            GanymedeError: `error`, always.
        """
        self._wrong = error
        raise error

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser does not take, or what a callback refused."""
        wrong, self._wrong = self._wrong, None
        self._turn_away(wrong or MalformedRequest(f"{msg} It is not HTTP/1.1 (RFC 9112)."))

    def on_response_complete(self) -> None:
        """Go on to the next request, or to the refusal that is due."""
        self._unanswered.end()
        super().on_response_complete()
        if self._stage == HEAD and self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()  # the next head has begun, and has its own time
            self.timeout_keep_alive_task = None
        if self.pipeline or not self.cycle.response_complete:
            return
        if self._due is not None:
            error, self._due = self._due, None
            self._answer(error)

    def _turn_away(self, error: GanymedeError) -> None:
        """Answer with `error`, in its turn, and end the connection."""
        if self._stage == REFUSED or self.transport.is_closing():
            return
        stage, self._stage, self._since = self._stage, REFUSED, self.loop.time()
        self._unfinished_bytes, cycle = 0, self.cycle
        if cycle is None or (cycle.response_complete and stage == HEAD):
            self._answer(error)
        elif stage == HEAD:
            self._due = error
            self.flow.pause_reading()
        elif cycle.response_complete or self.pipeline:
            self.transport.close()
        elif cycle.response_started:
            cycle.keep_alive = False
        else:
            tell_gone(cycle)  # its handler may wait for the rest
            self._answer(error)

    def _answer(self, error: GanymedeError) -> None:
        fields = self.server_state.default_headers
        cycle = self.cycle  # once a head is whole, its fields are there
        under_way = list(cycle.scope["headers"]) if cycle is not None and not cycle.response_complete else []
        send_refusal(self.transport, error, fields, self.url, self.headers or under_way, self.context)
        self._since = self.loop.time()

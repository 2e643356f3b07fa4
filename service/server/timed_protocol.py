"""The guarded protocol among all other connections: how long each may live, and how it ends."""

import asyncio
from typing import Any

from foundation.errors import RequestTimeout, Unavailable
from service.server.connections import Connections
from service.server.guarded_protocol import BETWEEN, BODY, HEAD, REFUSED, GuardedProtocol
from service.server.unanswered import has_left, has_more
from service.server.unread_answers import UnreadAnswer
from service.server.wire_limits import BODY_GRACE_S, LAST_CALL_S, LINGER_S


class TimedProtocol(GuardedProtocol):
    """A connection that ends when its time is over, when another needs its place, and with the process."""

    def __init__(self, *arguments: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*arguments, limits=connections.limits, **options)
        self.guard = connections
        self._unread = UnreadAnswer()
        self._parting: asyncio.TimerHandle | None = None

    # asyncio's protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """Take the connection, or turn it away."""
        super().connection_made(transport)
        self.guard.enter(self)
        if self.context.engine.draining:  # uvicorn has told all that it knew then
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        self.guard.leave(self)
        if self._parting is not None:
            self._parting.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._unread.resume()
        super().resume_writing()

    # what happens to a request

    def on_headers_complete(self) -> None:
        """A request's head: it waits no longer."""
        super().on_headers_complete()
        self.guard.begin(self)

    def on_response_complete(self) -> None:
        """Wait for the next request, if all are answered."""
        super().on_response_complete()
        if self._stage != REFUSED and not self.pipeline and self.cycle.response_complete:
            self.guard.rest(self)

    # what `Connections` asks

    def check(self, now: float) -> None:
        """End the connection if its client has left, or its time is over."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        if self._unread.is_stuck(self.transport, now, self.limits.write_timeout_s, under_way=under_way):
            self.transport.abort()
        elif not self.transport.is_closing():
            if self.flow.read_paused and has_left(self.transport):
                self.transport.close()
            else:
                self._check_time(now)

    def _check_time(self, now: float) -> None:
        transport, age_s = self.transport, now - self._since
        if self._stage == BETWEEN:
            pass
        elif self._stage == REFUSED:
            if age_s > LINGER_S and self._due is None:
                transport.close()
        elif self.flow.read_paused:
            self._since = now  # it is not the client who takes the time
        elif self._stage == HEAD and age_s > self.limits.head_timeout_s:
            if self._begun:
                self._turn_away(RequestTimeout(f"No whole head came in {self.limits.head_timeout_s:g} s."))
            elif self.cycle is None or self.cycle.response_complete:
                transport.close()
        elif self._stage == BODY and age_s > self.limits.body_timeout_s + BODY_GRACE_S:
            self._turn_away(RequestTimeout(f"The body did not come within {self.limits.body_timeout_s:g} s."))

    def give_way(self) -> bool:
        """End the connection for another's sake, unless its last answer is still on its way."""
        if self.transport.get_write_buffer_size():
            return False
        self.transport.close()
        return True

    def abort(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    # the end of the process

    def shutdown(self) -> None:
        """Answer what is asked, then close: who is about to ask, or in the middle of it, has a moment more.

        A client that was let in and has said nothing yet cannot know that nobody will read what it says. One
        that has been answered and rests knows that its connection may end (RFC 9112, section 9.5).
        """
        if self.transport.is_closing():
            return
        answered = self.cycle is None or self.cycle.response_complete
        if answered and (self._stage != BETWEEN or has_more(self.transport)):
            if self._parting is None:
                self._parting = self.loop.call_later(LAST_CALL_S, self._part)
        else:
            super().shutdown()

    def _part(self) -> None:
        """End the connection, unless a request came, behind whose answer it ends."""
        if self.cycle is None or self.cycle.response_complete:
            if self._stage == HEAD and self._begun:
                self._turn_away(Unavailable("This process is ending; ask again, and another will answer."))
            self.transport.close()

"""The visitors of the page, as Gradio counts them: how many there may be, and who may read whose answers.

A session is one page in one browser, named by a random word of its own. Gradio keeps what each shows and the
answers that nobody fetched for as long as it lives; here the one that was idle the longest is forgotten.
Requesters share the sessions and the streams that may be open: one of them leaves a quarter to others.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import NotFound, Unavailable
from service.engine.room import Room
from service.http.requesters import current_requester

if TYPE_CHECKING:
    import gradio  # of which its user has a page already

MAX_SESSIONS = 256
MAX_STREAMS = 128
MAX_UNREAD_EVENTS = 64
MAX_UNREAD_MESSAGES = 1024
"""Of one session, between its events and its stream; each event has several, and reports how far it is."""

_MAX_STREAMS_OF_ONE = 2
"""A browser has one open; the one before it may not have ended yet."""


@dataclass(slots=True)
class _Session:
    key: str | None
    requester: str | None
    streams: int = 0


class Sessions:
    """The sessions of a page, the one that did nothing for the longest first."""

    def __init__(
        self, page: "gradio.Blocks", *, max_sessions: int = MAX_SESSIONS, max_streams: int = MAX_STREAMS
    ) -> None:
        self._page = page
        self._queue = page._queue  # noqa: SLF001 - there is no public way to forget a session's answers
        self._places = Room(max_sessions)
        self._streams = Room(max_streams)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def enter(self, name: str, key: str | None) -> None:
        """Note that a session does something, for the API key of that name.

        Where it is new and has no place left, it takes that of the idlest: of the requester's own, who has
        their share, or of all, if they have none.

        Raises:
            NotFound: it is another key's.
            Unavailable: there are too many, and all have something under way.
        """
        session = self._sessions.get(name)
        if session is None:
            requester = current_requester()
            if not self._places.fits(1, requester):
                self._forget_one(requester if self._places.share_of(requester) else None)
            session = self._sessions[name] = _Session(key, requester)
            self._places.take(1, requester)
        if session.key != key:
            raise NotFound("There is no such session; reload the page.")
        self._sessions.move_to_end(name)

    def check_unread(self, name: str) -> None:
        """Raises `Unavailable` while a session has as many answers to read as are kept for one."""
        messages = self._queue.pending_messages_per_session.get(name)
        unread = messages.qsize() if messages is not None else 0
        events = self._queue.pending_event_ids_session.get(name, set())
        if not unread:  # those that are over were read, or lost with a stream that broke
            events = events & self._queue.event_ids_to_events.keys()
        if len(events) >= MAX_UNREAD_EVENTS or unread >= MAX_UNREAD_MESSAGES:
            raise Unavailable(
                "This page asked for much and has not read the answers; wait for them, or reload the page.",
                retry_after_s=5,
            )

    @contextmanager
    def stream(self, name: str, key: str | None) -> Iterator[None]:
        """Hold one stream of a session's answers open.

        Raises:
            NotFound: the session is not known, or another key's.
            Unavailable: too many streams are open.
        """
        session = self._sessions.get(name)
        if session is None or session.key != key:
            raise NotFound("There is no such session; reload the page.")
        requester = current_requester()
        if session.streams >= _MAX_STREAMS_OF_ONE or not self._streams.fits(1, requester):
            raise Unavailable("Too many pages wait for pictures; try again.", retry_after_s=5)
        session.streams += 1
        self._streams.take(1, requester)
        try:
            yield
        finally:
            session.streams -= 1
            self._streams.give_back(1, requester)

    def waits(self, name: str) -> bool:
        """Whether there are answers of a session's that it has not got yet."""
        return bool(self._queue.pending_event_ids_session.get(name))

    def _forget_one(self, requester: str | None) -> None:
        """Forget the idlest session of a requester's, or of all."""
        busy = {event.session_hash for event in self._queue.event_ids_to_events.values()}
        for name, session in self._sessions.items():
            theirs = requester is None or session.requester == requester
            if theirs and not session.streams and name not in busy:
                del self._sessions[name]
                self._places.give_back(1, session.requester)
                self._queue.pending_messages_per_session.pop(name, None)
                self._queue.pending_event_ids_session.pop(name, None)
                self._page.state_holder.session_data.pop(name, None)
                self._page.state_holder.time_last_used.pop(name, None)
                return
        raise Unavailable("Too many pages have pictures under way; try again.", retry_after_s=5)

"""What of Gradio's application can be reached: what the page needs, each by a rule of its own.

Gradio answers at some seventy addresses, among them uploads, proxies and servers of components' own. The page
needs eight. All others answer 404, and what passes says nothing that was not checked here.
"""

import asyncio
import re
from contextlib import suppress
from urllib.parse import parse_qs

import orjson
from gradio.server_messages import CloseStreamMessage
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation.errors import GanymedeError, NotFound
from service.http.addresses import path_of
from service.http.problems import describe
from service.http.reading import Bodies
from service.http.requesters import current_key
from service.ui.events import Events
from service.ui.folder import Folder
from service.ui.refusals import ForeignOrigin, NotAllowed
from service.ui.sessions import Sessions

MAX_EVENT_BYTES = 2**16
_STREAM_LIFE_S = 600
_QUEUE_JOIN, _RUN = "/gradio_api/queue/join", "/gradio_api/run/predict"
_STREAM, _FILE = "/gradio_api/queue/data", "/gradio_api/file="
# No name or path is longer than a file system takes; Gradio's own have less than 80 characters.
_PLAIN = re.compile(r"/|/theme\.css|/(assets|static)(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,8}")
_END = b"data: " + orjson.dumps(CloseStreamMessage().model_dump()) + b"\n\n"
_ROOT = b"x-gradio-server"
"""The header that Gradio takes its own address from; the gate alone writes it."""

_FORWARDED = (b"forwarded", b"x-forwarded-host", b"x-forwarded-proto", _ROOT)
_DROPPED = (b"origin", b"content-length", b"transfer-encoding", b"cookie", b"range", *_FORWARDED)
_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


class Gate:
    """ASGI application: Gradio's, as far as the page needs it."""

    def __init__(
        self, app: ASGIApp, *, events: Events, sessions: Sessions, folder: Folder, bodies: Bodies
    ) -> None:
        """`app` is the application that Gradio's is mounted in, at the same path as this."""
        self._app = app
        self._events = events
        self._sessions = sessions
        self._folder = folder
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._answer(scope, receive, send_noting)
        except GanymedeError as error:
            if not started:
                await describe(error)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_of(scope)
        if path in (_QUEUE_JOIN, _RUN):
            await self._pass_event(path, scope, receive, send)
        elif path == _STREAM or path.startswith(_FILE) or _PLAIN.fullmatch(path):
            if scope["method"] not in ("GET", "HEAD"):
                raise NotAllowed(f"{scope['method']} {path[:200]}: only GET is answered here.")
            if path == _STREAM:
                await self._stream(scope, receive, send)
            elif path.startswith(_FILE):
                await self._folder.serve(path.removeprefix(_FILE))(scope, receive, send)
            else:
                await self._app(_bare(scope), receive, send)
        else:
            raise NotFound("There is nothing here; the page is at /ui/.")

    async def _pass_event(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise NotAllowed(f"{scope['method']} {path}: events are posted.")
        _refuse_foreign(Headers(scope=scope))
        queued = path == _QUEUE_JOIN
        content = await self._bodies.take(Request(scope, receive), bytes)
        event = self._events.read(content, queued=queued)
        if queued:
            self._folder.check_room()
        self._sessions.enter(event.session, current_key())
        if queued:
            self._sessions.check_unread(event.session)
        told = False

        async def receive_checked() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": event.content, "more_body": False}

        entries = ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(event.content)))
        await self._app(_bare(scope, *entries), receive_checked, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        with self._sessions.stream(session, current_key()), suppress(TimeoutError):
            if not self._sessions.waits(session):  # a browser may have had its answers by an earlier stream
                await Response(_END, media_type="text/event-stream")(scope, receive, send)
                return
            async with asyncio.timeout(_STREAM_LIFE_S):
                await self._app(_bare(scope, query=b"session_hash=" + session.encode()), receive, send)


def _bare(scope: Scope, *entries: tuple[bytes, bytes], query: bytes = b"") -> Scope:
    """A request as Gradio sees it: no query that was not checked, and no origin for it to allow.

    Nor does it see what anybody says of a proxy: it would write that into its pages as its own address.
    """
    dropped = (*_DROPPED, b"content-type") if entries else _DROPPED
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    # Gradio's application is mounted at the page's path inside.
    mounted = str(scope.get("root_path", ""))
    root = (_ROOT, (_tell_origin(scope) + mounted).encode())
    return {
        **scope,
        "root_path": mounted.removesuffix("/ui"),
        "query_string": query,
        "headers": [*headers, root, *entries],
    }


def _tell_origin(scope: Scope) -> str:
    """Scheme and host as the browser that sent an event knows them; empty if it does not say.

    It says them with what it posts (RFC 6454, 7), and only its own session reads the answer. Without them an
    address is a path, which a browser that has the page open completes.
    """
    origin = Headers(scope=scope).get("origin", "")
    return origin if scope["method"] == "POST" and _ORIGIN.fullmatch(origin) else ""


def _refuse_foreign(headers: Headers) -> None:
    """Raise `ForeignOrigin` for what a browser sends for another site's page (Fetch Metadata, W3C)."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        # A proxy may have changed the host; no other site's page can say that one did.
        hosts = {headers.get("host"), headers.get("x-forwarded-host", "").split(",")[0].strip()} - {"", None}
        foreign = origin is not None and origin.partition("://")[2] not in hosts  # of `null` nothing is left
    if foreign:
        raise ForeignOrigin("A page of another site may not use this one; open it yourself.")

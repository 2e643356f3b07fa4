"""Parts of files by `Range` (RFC 9110, section 14.2): what cannot be is ignored, or refused in words."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.problems import problem

_FIELD = b"range"
_RANGES = re.compile(rb"\s*bytes\s*=[\s,]*(?:\d{1,18}\s*-\s*\d{0,18}|-\s*\d{1,18})[\s,\d-]*", re.IGNORECASE)
_REFUSED = {
    400: ("malformed", "Malformed request", "The field Range ends before it begins."),
    416: ("range-not-satisfiable", "Range not satisfiable", "The file ends before the Range begins."),
}
"""What Starlette's answers to a field that is let pass mean; they are plain text, or nothing at all."""


class Ranges:
    """ASGI middleware: a `Range` that is none of bytes is ignored; one beyond its file gets a document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        given = [value for name, value in scope.get("headers", ()) if name == _FIELD]
        if not given:
            await self._app(scope, receive, send)
            return
        if len(given) > 1 or not _RANGES.fullmatch(given[0]):
            scope["headers"] = [field for field in scope["headers"] if field[0] != _FIELD]
        refused = False

        async def send_document(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                fields = dict(message["headers"])
                kind = fields.get(b"content-type", b"")
                refused = message["status"] in _REFUSED and kind.startswith(b"text/plain")
                if refused:
                    code, title, detail = _REFUSED[message["status"]]
                    size = fields.get(b"content-range")
                    headers = (("Content-Range", size.decode()),) if size else ()
                    document = problem(message["status"], code, title, detail, headers=headers)
                    await document(scope, receive, send)
            if not refused:
                await send(message)

        await self._app(scope, receive, send_document)

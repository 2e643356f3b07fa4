"""Unknown errors: a fixed sentence for the client, and the trace for the log."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.problems import describe_fault
from service.http.telemetry import has_started


class Faults:
    """ASGI middleware: answers what goes wrong further in, for those outside of it that add to answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if has_started(scope) or scope["type"] != "http":
                raise
            await describe_fault(Request(scope), error)(scope, receive, send)

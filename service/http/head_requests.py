"""HEAD, wherever there is a GET (RFC 9110, section 9.3.2)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.addresses import ROUTE


class HeadRequests:
    """ASGI middleware: a HEAD is answered like the GET; the server, which knows better, sends no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            inner = dict(scope, method="GET")
            try:
                await self._app(inner, receive, send)
            finally:
                scope.update(
                    {name: inner[name] for name in ("route", ROUTE) if name in inner}
                )  # for telemetry
        else:
            await self._app(scope, receive, send)

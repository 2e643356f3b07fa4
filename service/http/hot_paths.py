"""A short way to the endpoints that are called a thousand times a second.

FastAPI's routing, dependencies and exit stacks cost more than the generation of a small image. This
middleware hands the hottest addresses to their handlers directly; all others go on to FastAPI, and errors
become the same problem documents here and there.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.errors import GanymedeError
from service.http.addresses import ROUTE
from service.http.problems import describe, describe_unknown

Handler = Callable[[Request], Awaitable[Response]]


class HotPaths:
    """ASGI middleware: a POST that `Threshold` let in for a path of `handlers` skips all in between."""

    def __init__(self, app: ASGIApp, *, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        handler = self._handlers.get(scope.get(ROUTE, ""))
        if handler is None:
            await self._app(scope, receive, send)
            return
        http_request = Request(scope, receive, send)
        try:
            response = await handler(http_request)
        except GanymedeError as error:
            response = describe(error)
        except Exception as error:
            response = describe_unknown(http_request, error)
        await response(scope, receive, send)

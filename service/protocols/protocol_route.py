"""Routes as clients of the Open Inference Protocol expect them: their errors, and slashes at the end."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from foundation.errors import GanymedeError
from service.http.problems import UNKNOWN_ERROR, describe, describe_unknown


class MethodNotAllowed(GanymedeError):
    """There is such an address, for other methods."""

    code = "method-not-allowed"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class ProtocolRoute(APIRoute):
    """A route whose problem documents carry the protocol's own `error` too: its clients show that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with errors answered here."""
        handle = super().get_route_handler()

        async def answer(http_request: Request) -> Response:
            try:
                return await handle(http_request)
            except GanymedeError as error:
                return describe(error, error=error.for_strangers())
            except Exception as error:
                return describe_unknown(http_request, error, error=UNKNOWN_ERROR)

        return answer


def accept_trailing_slashes(router: APIRouter) -> None:
    """Let each route of `router` be found with a slash at its end too.

    A base address that ends in one makes clients ask so, and they follow no redirect.
    """
    for route in [route for route in router.routes if isinstance(route, APIRoute)]:
        router.add_api_route(
            f"{route.path}/".removeprefix(router.prefix),
            route.endpoint,
            methods=list(route.methods or ()),
            response_class=route.response_class,
            include_in_schema=False,
        )

"""Pages of other origins that may ask: Cross-Origin Resource Sharing (Fetch, WHATWG)."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.errors import MalformedRequest
from service.http.addresses import path_of
from service.http.faults import Faults
from service.http.problems import describe

_METHODS = ("GET", "HEAD", "POST")
_ASKED = (
    *("Authorization", "X-Api-Key", "Content-Type", "X-Request-Id", "If-None-Match", "If-Range", "Range"),
    "Inference-Header-Content-Length",
)
_EXPOSED = (
    *("X-Seed", "X-Seed-Count", "X-Model", "ETag", "Server-Timing", "X-Request-Id"),
    *("Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate"),
    *("Accept-Ranges", "Content-Range", "Inference-Header-Content-Length"),
)
_MAX_AGE_S = 7200
"""How long a browser need not ask again; Chromium takes no more."""


class CrossOrigins(CORSMiddleware):
    """ASGI middleware: the pages of `origins` may read what is answered, refusals and faults too.

    Keys go in a header of the request's own, and no cookie is read: no credentials are allowed. The web page
    under `/ui` is for its own origin alone.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        super().__init__(
            Faults(app),  # outside of this no page could read what it answers
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_ASKED,
            expose_headers=_EXPOSED,
            max_age=_MAX_AGE_S,
        )
        self._inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        path = path_of(scope)
        if path == "/ui" or path.startswith("/ui/"):
            await self._inner(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks first; a document where the answer is no."""
        response = super().preflight_response(request_headers)
        if response.status_code != 400:
            return response
        origin = request_headers.get("origin", "")[:200]
        if not self.is_allowed_origin(origin):
            reason = f"{origin} is none of the origins whose pages may ask (GANYMEDE_CORS_ORIGINS)."
        else:
            reason = (
                f"A page may ask by {', '.join(_METHODS)}, with the header fields {', '.join(_ASKED)} "
                "and those that any page may send."
            )
        document = describe(MalformedRequest(reason))
        kept = (b"access-control-", b"vary")
        document.raw_headers += [field for field in response.raw_headers if field[0].startswith(kept)]
        return document


def head_fields(
    origins: Sequence[str], request_fields: Sequence[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """What `CrossOrigins` adds, for an answer that is written without an application."""
    origin = next((value for name, value in request_fields if name == b"origin"), None)
    if origin is None or not origins:
        return []
    allowed = b"*" if "*" in origins else origin
    if allowed != b"*" and origin.decode("latin-1") not in origins:
        return [(b"vary", b"Origin")]
    return [
        (b"access-control-allow-origin", allowed),
        (b"access-control-expose-headers", ", ".join(_EXPOSED).encode()),
        (b"vary", b"Origin"),
    ]

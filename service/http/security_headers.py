"""What every answer tells browsers: to guess no type, to run nothing, to show it in no frame.

Sources: Content Security Policy 3 (W3C), and Fetch (WHATWG) for `Cross-Origin-Resource-Policy`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.types import Scope

from service.http.addresses import path_of

Headers = tuple[tuple[bytes, bytes], ...]


def _list_headers(policy: str, *, embeddable: bool = False) -> Headers:
    return (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", f"{policy}; frame-ancestors 'none'".encode()),
        (b"cross-origin-resource-policy", b"cross-origin" if embeddable else b"same-origin"),
    )


_NOTHING = "default-src 'none'"
_OWN = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'"
)

STRICT: Headers = _list_headers(_NOTHING)
"""Of what is read by programs."""

EMBEDDABLE: Headers = _list_headers(_NOTHING, embeddable=True)
"""Of pictures and walks with an address of their own: any site may show them by `<img>` or `<video>`."""

PAGE: Headers = _list_headers(
    f"{_NOTHING}; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Of the web page: its own files, and pictures that it was answered with."""

DOCUMENTATION: Headers = _list_headers(
    f"{_OWN}; script-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "worker-src 'self' blob:"
)
"""Of Swagger UI and ReDoc, whose HTML holds a script as well; answers are shown as blobs."""

_BY_PATH: Mapping[str, Headers] = MappingProxyType(
    {"/docs": DOCUMENTATION, "/docs/oauth2-redirect": DOCUMENTATION, "/redoc": DOCUMENTATION, "/ui": PAGE}
)


def headers_for(scope: Scope) -> Headers:
    """The headers for every answer to the request of `scope`."""
    path = path_of(scope)
    if (found := _BY_PATH.get(path)) is not None:
        return found
    if path.startswith("/ui/"):
        return PAGE
    if path.startswith("/images/") or path.endswith("/samples.png") or _is_walk_link(path, scope):
        return EMBEDDABLE
    return STRICT


def _is_walk_link(path: str, scope: Scope) -> bool:
    return path == "/latent-walk" and scope.get("method") in ("GET", "HEAD")

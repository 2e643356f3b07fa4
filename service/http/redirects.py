"""Where a slash too many or too few leads: to an address that is told relative to the one that was asked for.

Starlette makes it whole, of the client's own `Host`: a cache would keep what a stranger wrote there, and
behind a proxy neither the scheme nor the path's prefix is known.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Redirects:
    """ASGI middleware: leaves scheme and host out of `Location` (RFC 9110, section 10.2.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "://" in headers.get("location", ""):
                    headers["location"] = turn_slash(scope["raw_path"], scope["query_string"])
            await send(message)

        await self._app(scope, receive, pass_on)


def turn_slash(path: bytes, query: bytes) -> str:
    """The address of `path` without the slashes at its end, or with one, as seen from it (RFC 3986, 5.2.4).

    Where slashes stand side by side clients go up from it differently: then it is told from the root.
    """
    bare = path.rstrip(b"/")
    name = bare.rpartition(b"/")[2]
    if b"//" in path:
        there = b"/" + bare.lstrip(b"/") + (b"" if bare != path else b"/")
    else:
        there = b"../" + name if bare != path else b"./" + name + b"/"
    return (there + (b"?" + query if query else b"")).decode("latin-1")

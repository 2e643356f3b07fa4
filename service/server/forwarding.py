"""Whose address a request has that came by proxies: of what is said, only what a proxy of ours wrote.

Each proxy adds the address that asked it behind what `X-Forwarded-For` holds already, which anybody may have
written. So the entries count from the right: the one that the farthest proxy of ours added is the client's.
"""

import ipaddress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

_NAME = b"x-forwarded-for"


class CountedProxies:
    """ASGI middleware, around uvicorn's: leaves in `X-Forwarded-For` the one entry that is to be believed.

    uvicorn's takes it of peers in `FORWARDED_ALLOW_IPS` alone. By itself it goes on to the left as long as
    addresses are among those, and so believes a client of the same network whatever it wrote.
    """

    def __init__(self, app: ASGIApp, *, hops: int) -> None:
        """`hops` proxies stand before this process, at least one."""
        self._app = app
        self._hops = hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] == "http":
            said = [value for name, value in scope["headers"] if name == _NAME]
            if said:
                fields = [(name, value) for name, value in scope["headers"] if name != _NAME]
                entry = read_entry(b",".join(said), self._hops)
                scope["headers"] = [*fields, (_NAME, entry)] if entry else fields
        await self._app(scope, receive, send)


def read_entry(said: bytes, hops: int) -> bytes | None:
    """The entry so many from the right; None where there are fewer, or that is no address.

    Of fewer none is believed: who came past the farthest proxy may have written them. A port behind the
    address is left away, and a zone, which says something only on the host that wrote it (RFC 4007).
    """
    last = said.rsplit(b",", hops)[-hops:]
    if len(last) < hops:
        return None
    text = last[0].strip().decode("latin-1")
    for candidate in (text, text.rpartition(":")[0]):
        try:
            address = ipaddress.ip_address(candidate.strip("[]").partition("%")[0])
            return str(address).encode()
        except ValueError:
            continue
    return None


def count_proxies(configuration: uvicorn.Config, hops: int | None) -> None:
    """Let the server of `configuration` believe the proxy `hops` away; without one uvicorn's rule holds.

    The protocol of `configuration` is chosen by then (`service.server.guard`).
    """
    if hops is not None:
        configuration.load()
        configuration.loaded_app = CountedProxies(configuration.loaded_app, hops=hops)

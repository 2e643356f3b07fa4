"""What answers given for a key carry: who may keep them, and how much the key may still ask."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access.rates import note_limits

_CACHE_CONTROL = b"cache-control"


class KeyedAnswers:
    """ASGI middleware, inside of the keys'.

    A cache that many share (RFC 9111, section 3.5) keeps no answer to `Authorization`, but knows nothing of
    `X-Api-Key`, and `public` lifts even that: with it, a proxy in front would show pictures to anyone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or "ganymede.key" not in scope:
            await self._app(scope, receive, send)
            return
        noted = note_limits()
        cacheable = scope["method"] in ("GET", "HEAD")

        async def send_keyed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                message["headers"] = (keep_private(headers) if cacheable else headers) + noted
            await send(message)

        await self._app(scope, receive, send_keyed)


def keep_private(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers` with a `Cache-Control` that lets none but the client's own cache keep the answer."""
    given = b", ".join(value for name, value in headers if name.lower() == _CACHE_CONTROL)
    directives = [part.strip() for part in given.split(b",")]
    kept = [part for part in directives if part and part.lower() != b"public" and not _is_shared(part)]
    if not {b"private", b"no-store"} & {part.lower() for part in kept}:
        kept.insert(0, b"private")
    others = [(name, value) for name, value in headers if name.lower() != _CACHE_CONTROL]
    return [*others, (_CACHE_CONTROL, b", ".join(kept))]


def _is_shared(directive: bytes) -> bool:
    return directive.lower().startswith(b"s-maxage")

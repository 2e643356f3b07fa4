"""The response that carries pictures, and the headers that say how they came about."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.engine.budget import Holding
from service.engine.jobs import Generated

_MAX_SEEDS_IN_HEADER = 64
_PIECE_BYTES = 2**17


class PictureResponse(Response):
    """Content whose bytes stay counted until the client has read all but the last 128 KiB, or is gone."""

    def __init__(self, content: bytes, media_type: str, headers: Mapping[str, str], holding: Holding) -> None:
        """`holding` counts the content from now on; the names of `headers` are in small letters."""
        super().__init__(content, media_type=media_type)
        self.raw_headers += [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self._holding = holding
        holding.resize(len(content))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if len(self.body) <= _PIECE_BYTES:
                await send({"type": "http.response.body", "body": self.body})
                return
            # A server waits for a slow client before it takes the next piece; a whole body it takes at once.
            body = memoryview(self.body)
            for start in range(0, len(body), _PIECE_BYTES):
                piece = body[start : start + _PIECE_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._holding.release()


def picture_response(
    content: bytes,
    *,
    media_type: str,
    reference: str,
    seeds: Sequence[int] | None,
    generated: Generated,
    encode_s: float,
    tag: str,
    holding: Holding,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` with `X-Model`, its seeds, `Server-Timing` (in milliseconds) and its `ETag`.

    `holding` counts it until it is sent.
    """
    described = {
        "x-model": reference,
        "etag": tag,
        "server-timing": describe_timing(generated.queue_s, generated.inference_s, encode_s),
    }
    if headers is not None:
        described |= {name.lower(): value for name, value in headers.items()}
    if seeds is not None:
        described |= name_seeds(seeds)
    return PictureResponse(content, media_type, described, holding)


def describe_timing(queue_s: float, inference_s: float, encode_s: float) -> str:
    """The header `Server-Timing` (W3C), in milliseconds."""
    queue_ms, infer_ms, encode_ms = 1000 * queue_s, 1000 * inference_s, 1000 * encode_s
    return f"queue;dur={queue_ms:.2f}, infer;dur={infer_ms:.2f}, encode;dur={encode_ms:.2f}"


def not_modified(tag: str, headers: Mapping[str, str] | None = None) -> Response:
    """304: what the client has under `tag` is what it would get, its time too (RFC 9110, section 15.4.5)."""
    told = {name: value for name, value in (headers or {}).items() if name != "Last-Modified"}
    return Response(status_code=304, headers={"ETag": tag, **told})


def name_seeds(seeds: Sequence[int]) -> dict[str, str]:
    """The headers that say what asks for these images again.

    `X-Seed` has the first seed of seeds in a row, else all (`...` past 64), `X-Seed-Count` how many they are.
    """
    count = {"x-seed-count": str(len(seeds))}
    if list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return {"x-seed": str(seeds[0]), **count}
    listed = ",".join(map(str, seeds[:_MAX_SEEDS_IN_HEADER]))
    return {"x-seed": listed if len(seeds) <= _MAX_SEEDS_IN_HEADER else f"{listed},...", **count}

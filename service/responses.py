"""The response that carries pictures, and the headers that say how they came about."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from starlette.responses import Response

from service.jobs import Generated

_MAX_SEEDS_IN_HEADER = 64


def picture_response(
    content: bytes,
    *,
    media_type: str,
    reference: str,
    seeds: Sequence[int] | None,
    generated: Generated,
    encode_s: float,
    tag: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` with `X-Model`, `X-Seed`, `Server-Timing` (in milliseconds) and its `ETag`."""
    described = {
        "X-Model": reference,
        "ETag": tag,
        "Server-Timing": f"queue;dur={1000 * generated.queue_s:.2f}, "
        f"infer;dur={1000 * generated.inference_s:.2f}, encode;dur={1000 * encode_s:.2f}",
        **(headers or {}),
    }
    if seeds is not None:
        described["X-Seed"] = name_seeds(seeds)
    return Response(content, media_type=media_type, headers=described)


def not_modified(tag: str, headers: Mapping[str, str] | None = None) -> Response:
    """304: what the client has under `tag` is what it would get (RFC 9110, section 15.4.5)."""
    return Response(status_code=304, headers={"ETag": tag, **(headers or {})})


def name_seeds(seeds: Sequence[int]) -> str:
    """What asks for these images again: the first seed of seeds in a row, else all (`...` past 64)."""
    if all(later == earlier + 1 for earlier, later in pairwise(seeds)):
        return str(seeds[0])
    listed = ",".join(map(str, seeds[:_MAX_SEEDS_IN_HEADER]))
    return listed if len(seeds) <= _MAX_SEEDS_IN_HEADER else f"{listed},..."

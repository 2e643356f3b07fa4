"""The response that carries pictures, and the headers that say how they came about."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from fastapi import Response

from service.engine import Generated

_MAX_SEEDS_IN_HEADER = 64


def picture_response(
    content: bytes,
    *,
    media_type: str,
    reference: str,
    seeds: Sequence[int] | None,
    generated: Generated,
    encode_s: float,
) -> Response:
    """`content` with `X-Model`, `X-Seed`, `Server-Timing` (in milliseconds) and a strong `ETag`."""
    headers = {
        "X-Model": reference,
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Server-Timing": ", ".join(
            f"{stage};dur={1000 * seconds:.2f}"
            for stage, seconds in (
                ("queue", generated.queue_s),
                ("infer", generated.inference_s),
                ("encode", encode_s),
            )
        ),
    }
    if seeds is not None:
        headers["X-Seed"] = name_seeds(seeds)
    return Response(content, media_type=media_type, headers=headers)


def name_seeds(seeds: Sequence[int]) -> str:
    """What asks for these images again: the first seed of seeds in a row, else all (`...` past 64)."""
    if all(later == earlier + 1 for earlier, later in pairwise(seeds)):
        return str(seeds[0])
    listed = ",".join(map(str, seeds[:_MAX_SEEDS_IN_HEADER]))
    return listed if len(seeds) <= _MAX_SEEDS_IN_HEADER else f"{listed},..."

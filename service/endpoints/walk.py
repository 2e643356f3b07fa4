"""`POST` and `GET /latent-walk`: a way through latent space, frame by frame."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC
from email.utils import format_datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from foundation.errors import InvalidField
from foundation.store import parse_reference
from service.encoding.animation import MEDIA_TYPES
from service.encoding.streams import STREAM_MEDIA_TYPES
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.endpoints.images import FOR_EVER
from service.endpoints.link import Link
from service.endpoints.walk_answers import answer_kept, stream_answer, write_answer
from service.engine.budget import Holding
from service.engine.costs import stream_bytes, walk_bytes
from service.engine.streams import WAITING_FRAMES
from service.http.entity_tags import matches, tag_answer
from service.http.queries import read_flag, read_number, read_numbers, read_text, read_words
from service.http.requesters import current_key
from service.http.responses import name_seeds, not_modified
from service.releases.opening import Release
from service.requests.directions import steer
from service.requests.inputs import Inputs
from service.requests.limits import check_walk
from service.requests.request_inputs import count_numbers, draw_inputs
from service.requests.schemas import WalkRequest

_WAY = {"frames", "interpolation", "loop", "easing", "fps", "scale", "truncation"}


async def answer_walk(
    context: Context,
    receive: Receive,
    request: WalkRequest,
    format: str,
    *,
    release: Release | None = None,
    headers: Mapping[str, str] | None = None,
    keep: bool = False,
) -> Response:
    """The walk that `request` asks for in the format `format`, of its release if that is not given already.

    With `keep` its file stays for a while, for who asks for it by its address again.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release, keys, holding = await accept_walk(context, request, format, release=release)
    tag = tag_walk(release, keys, request, format)
    told = {**tell_walk(release, keys, tag), **(headers or {})}
    if request.stream:
        return await stream_answer(context, receive, request, format, release, keys, holding, told)
    name = (current_key(), tag) if keep else None
    return await write_answer(context, receive, request, format, release, keys, holding, told, keep_as=name)


def tell_walk(release: Release, keys: Inputs, tag: str) -> dict[str, str]:
    """The headers that say what a walk is."""
    seeds = {} if keys.seeds is None else name_seeds(keys.seeds)
    return {"X-Model": release.manifest.reference, "ETag": tag, **seeds}


def tag_walk(release: Release, keys: Inputs, request: WalkRequest, format: str) -> str:
    """The entity tag of a walk between `keys`."""
    shape: dict[str, object] = {"walk": request.model_dump(include=_WAY)}
    return tag_answer(release, keys, format=format, **shape, **({"stream": True} if request.stream else {}))


async def accept_walk(
    context: Context, request: WalkRequest, format: str, *, release: Release | None = None
) -> tuple[Release, Inputs, Holding]:
    """Hold `request` against every limit, and take room for it.

    Its release, if not given already, its key pictures' inputs, and what it holds until it is answered.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release = release or await context.releases.resolve(request.model)
    image = release.manifest.image
    check_walk(request, image, format, context.settings)
    if request.stream:
        size, waiting = stream_bytes(request, image), min(request.frames, WAITING_FRAMES)
    else:
        size, waiting = walk_bytes(request, image, format), request.frames
    holding = await context.accept(request.frames, size, waiting=waiting)
    with ExitStack() as held:
        held.callback(holding.release)
        try:
            draw = partial(draw_inputs, release.manifest, request, request.seeds)
            keys = await context.bodies.convert(count_numbers(request), draw)
            if request.directions:
                keys = steer(keys, await release.directions.get(), request.directions)
        except InvalidField:  # such as a label: what is wrong costs a key nothing
            await context.rates.give_back(request.frames)
            raise
        held.pop_all()
    return release, keys, holding


async def answer_walk_link(
    context: Context, http_request: Request, request: WalkRequest, format: str
) -> Response:
    """The walk of an address; with a version named it never changes, and may be kept for ever.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release = await context.releases.resolve(request.model)
    manifest = release.manifest
    named = request.model is not None and parse_reference(request.model).selector == manifest.version
    headers = {"Cache-Control": FOR_EVER if named else "no-cache"}
    known = http_request.headers.get("if-none-match")
    # Each part of a file is asked for by itself: a time of its own for each would make them different files.
    dated = {**headers, "Last-Modified": format_datetime(manifest.created_at.astimezone(UTC), usegmt=True)}
    if known is not None or len(context.walks):
        # It may be there or here already: no pictures are drawn, and none of the key's rate is taken.
        check_walk(request, manifest.image, format, context.settings)
        keys = draw_inputs(manifest, request, request.seeds)
        tag = tag_walk(release, keys, request, format)
        if matches(tag, known):
            return not_modified(tag, headers)
        if (walk := context.walks.find((current_key(), tag))) is not None:
            return answer_kept(context, walk, format, {**tell_walk(release, keys, tag), **dated})
    return await answer_walk(
        context, http_request.receive, request, format, release=release, headers=dated, keep=True
    )


ENDPOINT = Endpoint(
    path="/latent-walk",
    operation_id="walk",
    summary="Walk between key points: by default a PNG filmstrip of 60 frames.",
    schema=WalkRequest,
    media_types=MEDIA_TYPES,
    streamed_media_types=STREAM_MEDIA_TYPES,
    answer=answer_walk,
    example={"seeds": [1, 5, 9], "frames": 12, "loop": True, "scale": 2},
    required=True,
    link=Link(
        operation_id="show_walk",
        summary="A walk with an address of its own, for `<video>` and `<img>`.",
        readers={
            "seeds": read_numbers,
            "model": read_text,
            "frames": read_number,
            "format": read_text,
            "fps": read_number,
            "loop": read_flag,
            "interpolation": read_text,
            "easing": read_text,
            "label": read_text,
            "labels": read_words,
            "truncation": read_number,
            "scale": read_number,
            "stream": read_flag,
        },
        example={"seeds": [1, 5, 9]},
        shown={"frames": 60, "loop": True, "scale": 4, "format": "webp"},
        answer=answer_walk_link,
    ),
)

"""`POST /latent-walk`: a way through latent space, frame by frame."""

import asyncio
import os
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from foundation.errors import InvalidField
from foundation.locked_folders import LockedFolder
from service.encoding.animation import MEDIA_TYPES
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.engine.budget import Holding
from service.engine.costs import walk_bytes
from service.engine.walks import render_walk
from service.http.disconnection import unless_gone
from service.http.entity_tags import tag_answer
from service.http.responses import describe_timing, name_seeds
from service.releases.opening import Release
from service.requests.directions import steer
from service.requests.inputs import Inputs
from service.requests.limits import check_walk
from service.requests.request_inputs import count_numbers, draw_inputs
from service.requests.schemas import WalkRequest

_WAY = {"frames", "interpolation", "loop", "easing", "fps", "scale", "truncation"}


async def answer_walk(context: Context, receive: Receive, request: WalkRequest, format: str) -> Response:
    """The walk that `request` asks for in the format `format`.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release, keys, holding = await accept_walk(context, request, format)
    manifest = release.manifest
    way = request.model_dump(include=_WAY)
    try:
        folder = LockedFolder("walk")
    except OSError:
        holding.release()
        raise
    loop = asyncio.get_running_loop()

    def discard() -> None:
        folder.remove()
        with suppress(RuntimeError):  # the process ends, and nobody counts any more
            loop.call_soon_threadsafe(holding.release)

    path = folder.path / f"walk.{format}"
    rendering = render_walk(
        context.engine,
        release.generator,
        keys,
        request,
        path,
        format,
        timeout_s=context.settings.request_timeout_s,
        requester=holding.requester,
        discard=discard,
    )
    rendered = await unless_gone(receive, rendering)
    with ExitStack() as held:
        held.callback(holding.release)
        held.callback(folder.remove)
        found = path.stat()
        holding.resize(found.st_size)
        context.metrics.observe_answer(format, rendered.queue_s, rendered.encode_s)
        headers = {
            "X-Model": manifest.reference,
            "ETag": tag_answer(release, keys, format=format, walk=way),
            "Server-Timing": describe_timing(rendered.queue_s, rendered.inference_s, rendered.encode_s),
        }
        if keys.seeds is not None:
            headers["X-Seed"] = name_seeds(keys.seeds)
        return _WalkResponse(path, found, MEDIA_TYPES[format], headers, held.pop_all())


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
    holding = await context.accept(request.frames, walk_bytes(request, image, format))
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


class _WalkResponse(FileResponse):
    """A walk's file, which goes when it was sent, and when the client left before."""

    def __init__(
        self, path: Path, found: os.stat_result, media_type: str, headers: dict[str, str], held: ExitStack
    ) -> None:
        super().__init__(path, stat_result=found, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        with self._held:
            await super().__call__(scope, receive, send)


ENDPOINT = Endpoint(
    path="/latent-walk",
    operation_id="walk",
    summary="Walk between key points: by default a PNG filmstrip of 60 frames.",
    schema=WalkRequest,
    media_types=MEDIA_TYPES,
    answer=answer_walk,
    example={"seeds": [1, 5, 9], "frames": 12, "loop": True},
    required=True,
)

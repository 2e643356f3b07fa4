"""Answering a request for a walk, whichever door it came in by."""

import asyncio
import os
from contextlib import ExitStack, suppress
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from service.encoding.animation import MEDIA_TYPES
from service.encoding.walk_folders import WalkFolder
from service.endpoints.context import Context
from service.engine.budget import Holding
from service.engine.costs import walk_bytes
from service.engine.walks import Rendered, render_walk
from service.http.disconnection import unless_gone
from service.http.entity_tags import tag_answer
from service.http.responses import name_seeds
from service.releases.opening import Release
from service.requests.inputs import Inputs
from service.requests.limits import check_walk
from service.requests.request_inputs import draw_inputs
from service.requests.schemas import WalkRequest


async def answer_walk(context: Context, receive: Receive, order: WalkRequest, form: str) -> Response:
    """The walk that `order` asks for in the format `form`.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release, keys, holding = await accept_walk(context, order, form)
    manifest = release.manifest
    way = order.model_dump(
        include={"frames", "interpolation", "loop", "easing", "fps", "scale", "truncation"}
    )
    try:
        folder = WalkFolder()
    except OSError:
        holding.release()
        raise
    loop = asyncio.get_running_loop()

    def discard() -> None:
        folder.remove()
        with suppress(RuntimeError):  # the process ends, and nobody counts any more
            loop.call_soon_threadsafe(holding.release)

    path = folder.path / f"walk.{form}"
    rendering = render_walk(
        context.engine,
        release.generator,
        keys,
        order,
        path,
        form,
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
        context.metrics.observe_answer(form, rendered.queue_s, rendered.encode_s)
        headers = {
            "X-Model": manifest.reference,
            "ETag": tag_answer(manifest, release.generator.precision, keys, format=form, walk=way),
            "Server-Timing": _describe_timing(rendered),
        }
        if keys.seeds is not None:
            headers["X-Seed"] = name_seeds(keys.seeds)
        return _WalkResponse(path, found, MEDIA_TYPES[form], headers, held.pop_all())


async def accept_walk(
    context: Context, order: WalkRequest, form: str, *, release: Release | None = None
) -> tuple[Release, Inputs, Holding]:
    """Hold `order` against every limit, and take room for it.

    Its release, if not given already, its key pictures' inputs, and what it holds until it is answered.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release = release or await context.releases.resolve(order.model)
    image = release.manifest.image
    check_walk(order, image, form, context.settings)
    holding = await context.accept(order.frames, walk_bytes(order, image, form))
    with ExitStack() as held:
        held.callback(holding.release)
        keys = draw_inputs(release.manifest, order, order.seeds)
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


def _describe_timing(rendered: Rendered) -> str:
    stages = {"queue": rendered.queue_s, "infer": rendered.inference_s, "encode": rendered.encode_s}
    return ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in stages.items())

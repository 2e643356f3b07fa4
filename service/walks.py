"""Answering a request for a walk, whichever door it came in by."""

from contextlib import ExitStack
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from service.animation import MEDIA_TYPES
from service.context import Context
from service.disconnection import unless_gone
from service.entity_tags import tag_answer
from service.inputs import Inputs, draw_inputs
from service.limits import check_walk
from service.release import Release
from service.rendering import Rendered, render_walk, walk_folder
from service.responses import name_seeds
from service.schemas import WalkRequest

_WAY = {"frames", "interpolation", "loop", "easing", "fps", "scale", "truncation"}


async def answer_walk(context: Context, receive: Receive, order: WalkRequest, form: str) -> Response:
    """The walk that `order` asks for in the format `form`.

    Raises:
        GanymedeError: any of the refusals in `service.errors`.
    """
    release, keys = await accept_walk(context, order, form)
    manifest = release.manifest
    way = order.model_dump(
        include={"frames", "interpolation", "loop", "easing", "fps", "scale", "truncation"}
    )
    with ExitStack() as stack:
        path = stack.enter_context(walk_folder()) / f"walk.{form}"
        rendering = render_walk(
            context.engine,
            release.generator,
            keys,
            order,
            path,
            form,
            timeout_s=context.settings.request_timeout_s,
        )
        rendered = await unless_gone(receive, rendering)
        context.metrics.observe_answer(form, rendered.queue_s, rendered.encode_s)
        headers = {
            "X-Model": manifest.reference,
            "ETag": tag_answer(manifest, release.generator.precision, keys, format=form, walk=way),
            "Server-Timing": _describe_timing(rendered),
        }
        if keys.seeds is not None:
            headers["X-Seed"] = name_seeds(keys.seeds)
        return _WalkResponse(path, MEDIA_TYPES[form], headers, stack.pop_all())


async def accept_walk(
    context: Context, order: WalkRequest, form: str, *, release: Release | None = None
) -> tuple[Release, Inputs]:
    """Hold `order` against every limit; its release, if not given already, and its key pictures' inputs.

    Raises:
        GanymedeError: any of the refusals in `service.errors`.
    """
    release = release or await context.releases.resolve(order.model)
    check_walk(order, release.manifest.image, form, context.settings)
    await context.accept_images(order.frames)
    return release, draw_inputs(release.manifest, order, order.seeds)


class _WalkResponse(FileResponse):
    """A walk's file, which goes when it was sent, and when the client left before."""

    def __init__(self, path: Path, media_type: str, headers: dict[str, str], folder: ExitStack) -> None:
        super().__init__(path, media_type=media_type, headers=headers)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        with self._folder:
            await super().__call__(scope, receive, send)


def _describe_timing(rendered: Rendered) -> str:
    stages = {"queue": rendered.queue_s, "infer": rendered.inference_s, "encode": rendered.encode_s}
    return ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in stages.items())

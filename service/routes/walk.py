"""`POST /latent-walk`: a way through latent space, frame by frame."""

import asyncio
import hashlib
from contextlib import ExitStack
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from service.animation import MEDIA_TYPES
from service.bodies import read_body
from service.context import Context, Service
from service.inputs import draw_inputs
from service.limits import check_walk
from service.negotiation import choose_format
from service.rendering import Rendered, render_walk, walk_folder
from service.routes.description import describe_operation
from service.routes.responses import name_seeds
from service.schemas import WalkRequest

router = APIRouter(tags=["pictures"])


@router.post("/latent-walk", **describe_operation(WalkRequest, MEDIA_TYPES.values()))
async def latent_walk(request: Request, service: Service) -> Response:
    """Walk between key points: by default a PNG filmstrip of 60 frames."""
    order = await read_body(request, WalkRequest, max_bytes=service.settings.max_body_bytes)
    return await answer_walk(order, request.headers.get("accept"), service)


async def answer_walk(order: WalkRequest, accept: str | None, service: Context) -> Response:
    """The walk that `order` asks for, in its format or the best that `accept` allows."""
    settings = service.settings
    form = choose_format(order.format, accept, MEDIA_TYPES)
    release = await service.releases.resolve(order.model)
    check_walk(order, release.manifest.image, form, settings)
    keys = draw_inputs(release.manifest, order, order.seeds)
    with ExitStack() as stack:
        path = stack.enter_context(walk_folder()) / f"walk.{form}"
        rendered = await render_walk(
            service.engine,
            release.generator,
            keys,
            order,
            path,
            form,
            timeout_s=settings.request_timeout_s,
        )
        headers = _describe(rendered, release.manifest.reference)
        headers["ETag"] = f'"{await asyncio.to_thread(_hash_file, path)}"'
        if keys.seeds is not None:
            headers["X-Seed"] = name_seeds(keys.seeds)
        return _WalkResponse(path, MEDIA_TYPES[form], headers, stack.pop_all())


class _WalkResponse(FileResponse):
    """A walk's file, which goes when it was sent, and when the client left before."""

    def __init__(self, path: Path, media_type: str, headers: dict[str, str], folder: ExitStack) -> None:
        super().__init__(path, media_type=media_type, headers=headers)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        with self._folder:
            await super().__call__(scope, receive, send)


def _describe(rendered: Rendered, reference: str) -> dict[str, str]:
    stages = {"queue": rendered.queue_s, "infer": rendered.inference_s, "encode": rendered.encode_s}
    timing = ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in stages.items())
    return {"X-Model": reference, "Server-Timing": timing}


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]

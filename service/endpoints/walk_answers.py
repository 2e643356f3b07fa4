"""The two ways to answer with a walk: as a file that is whole first, and while it is made."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from foundation.locked_folders import LockedFolder
from service.encoding.animation import MEDIA_TYPES
from service.encoding.streams import PACED, STREAM_MEDIA_TYPES
from service.endpoints.context import Context
from service.endpoints.kept_walks import KeptWalk, Name
from service.endpoints.streamed_walk import StreamedWalk
from service.engine.budget import Holding
from service.engine.streams import stream_walk
from service.engine.walks import render_walk
from service.http.disconnection import unless_gone
from service.http.requesters import current_requester
from service.http.responses import describe_timing
from service.releases.opening import Release
from service.requests.inputs import Inputs
from service.requests.schemas import WalkRequest


@dataclass(frozen=True, slots=True)
class AcceptedWalk:
    """A walk that there is room for: who wants it, what it is, and what it holds until it is answered."""

    receive: Receive
    request: WalkRequest
    format: str
    release: Release
    keys: Inputs
    holding: Holding
    headers: Mapping[str, str]
    """Of the answer, beside those that say how long it took."""
    keep_as: Name | None = None
    """What its file is kept under for a while, if it is."""


async def write_answer(context: Context, accepted: AcceptedWalk) -> Response:
    """A walk whose file is whole before it is sent, and kept for a while where it has a name."""
    format, holding, folder = accepted.format, accepted.holding, LockedFolder("walk")
    path = folder.path / f"walk.{format}"
    rendering = render_walk(
        context.engine,
        accepted.release.generator,
        accepted.keys,
        accepted.request,
        path,
        format,
        timeout_s=context.settings.request_timeout_s,
        requester=holding.requester,
        prepare=folder.make,
        discard=_discard(holding, folder.remove),
    )
    rendered = await unless_gone(accepted.receive, rendering)
    with ExitStack() as held:
        held.callback(holding.release)
        walk = context.walks.keep(accepted.keep_as, folder, path)
        held.callback(walk.leave)
        holding.resize(walk.found.st_size)
        context.metrics.observe_answer(format, rendered.queue_s, rendered.encode_s)
        timing = describe_timing(rendered.queue_s, rendered.inference_s, rendered.encode_s)
        told = {**accepted.headers, "Server-Timing": timing}
        return _WalkResponse(path, walk.found, MEDIA_TYPES[format], told, held.pop_all())


def answer_kept(context: Context, walk: KeptWalk, format: str, headers: Mapping[str, str]) -> Response:
    """A walk whose file is here already; `walk` is left once it is sent.

    Raises:
        BytesFull: there is no room for its bytes.
    """
    with ExitStack() as held:
        held.callback(walk.leave)
        held.enter_context(context.budget.hold(walk.found.st_size, current_requester()))
        return _WalkResponse(walk.path, walk.found, MEDIA_TYPES[format], dict(headers), held.pop_all())


async def stream_answer(context: Context, walk: AcceptedWalk) -> Response:
    """A walk that is sent while it is made; what it holds does not grow with its length."""
    format = walk.format
    stream = stream_walk(
        context.engine,
        walk.release.generator,
        walk.keys,
        walk.request,
        format,
        timeout_s=context.settings.request_timeout_s,
        requester=walk.holding.requester,
        discard=_discard(walk.holding),
    )
    try:
        first = await unless_gone(walk.receive, anext(stream))
    except BaseException:
        await stream.aclose()
        raise
    context.metrics.observe_answer(format, first.queue_s, first.encode_s)
    timing = describe_timing(first.queue_s, first.inference_s, first.encode_s)
    return StreamedWalk(
        first,
        stream,
        context.engine,
        media_type=STREAM_MEDIA_TYPES[format],
        headers={**walk.headers, "Server-Timing": timing},
        interval_s=1 / walk.request.fps if format in PACED else 0.0,
    )


def _discard(holding: Holding, remove: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """What is called, in a thread or on the event loop, once nothing of a walk is in use any more."""
    loop = asyncio.get_running_loop()

    def discard() -> None:
        remove()
        with suppress(RuntimeError):  # the process ends, and nobody counts any more
            loop.call_soon_threadsafe(holding.release)

    return discard


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

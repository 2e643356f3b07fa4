"""Where the page hangs in the application, and when it is put together."""

import asyncio
import importlib
import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.context import Context
from service.problems import problem

PATH = "/ui"
_FAVICON = Path(__file__).with_name("favicon.ico")
_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; object-src 'none'; "
    b"base-uri 'self'; frame-ancestors 'self'"
)

log = logging.getLogger(__name__)


def add_page(app: FastAPI, context: Context) -> "Page | None":
    """Mount the page, and lead `/` to it; to `/docs` where it is switched off or not installed."""
    wanted = context.settings.ui == "on" and importlib.util.find_spec("gradio") is not None
    page = Page(context) if wanted else None
    target = PATH.removeprefix("/") + "/" if page else "docs"

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(target)  # relative: it holds behind any path prefix

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> FileResponse:
        return FileResponse(_FAVICON, headers={"Cache-Control": "public, max-age=86400"})

    if page:
        app.mount(PATH, page)
    return page


class Page:
    """An ASGI application that puts the page together at its first visitor.

    Importing Gradio takes seconds of the processor and 100 MB: an API that nobody looks at keeps both, and
    neither readiness nor the first images wait for it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._building: asyncio.Task[ASGIApp] | None = None
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for the page or a part of it (ASGI)."""
        if scope["type"] != "http":
            return
        if self._context.releases.default is None:
            answer = problem(
                503,
                "unavailable",
                "Unavailable",
                "The page needs a model, and none is loaded yet; see /readyz.",
                headers={"Retry-After": "1"},
            )
            await answer(scope, receive, send)
            return
        if self._building is None:
            self._building = asyncio.create_task(self._build())
        built = await asyncio.shield(self._building)
        # Gradio's own application is mounted at the same path inside.
        inside = {**scope, "root_path": scope.get("root_path", "").removesuffix(PATH)}

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", _POLICY)]
            await send(message)

        await built(inside, receive, send_with_policy)

    async def close(self) -> None:
        """Stop what the page runs, and remove the pictures that it kept for its visitors."""
        if self._building is not None:
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)
        await self._stack.aclose()

    async def _build(self) -> ASGIApp:
        folder = tempfile.mkdtemp(prefix="ganymede-ui-")
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # Read when Gradio is imported, hence the environment: no analytics, and files where we remove them.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=folder)
        layout = await asyncio.to_thread(importlib.import_module, "service.ui.layout")
        built: FastAPI = await asyncio.to_thread(layout.build_page, self._context, PATH)
        await self._stack.enter_async_context(_running(built))
        log.info("the page at %s is ready", PATH)
        return built


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield

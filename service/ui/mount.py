"""Where the page hangs in the application, and when it is put together."""

import asyncio
import importlib
import importlib.util
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.errors import Unavailable
from foundation.locked_folders import locked_folder
from service.endpoints.context import Context
from service.http.problems import describe
from service.ui.folder import Folder

PATH = "/ui"
_FAVICON = Path(__file__).with_name("favicon.ico")
RETRY_S = 5
"""How long after the page could not be put together it is tried again: each try costs seconds of a core."""

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
        self._retry_at = 0.0
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for the page or a part of it (ASGI)."""
        if scope["type"] != "http":
            return
        try:
            built = await self._get()
        except Unavailable as error:
            await describe(error)(scope, receive, send)
            return
        await built(scope, receive, send)

    async def close(self) -> None:
        """Stop what the page runs, and remove the pictures that it kept for its visitors."""
        if self._building is not None:
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)
        await self._stack.aclose()

    async def _get(self) -> ASGIApp:
        """The page, put together if it is not yet; once for all who wait.

        Raises:
            Unavailable: there is no model, or the page could not be put together now.
        """
        if self._context.releases.default is None:
            raise Unavailable("The page needs a model, and none is loaded yet; see /readyz.")
        if self._building is None:
            if time.monotonic() < self._retry_at:
                raise _broken()
            self._building = asyncio.create_task(self._build())
        building = self._building
        try:
            return await asyncio.shield(building)
        except Exception as error:
            if self._building is building:  # the first of those who waited
                log.exception("the page at %s could not be put together", PATH)
                self._building, self._retry_at = None, time.monotonic() + RETRY_S
            raise _broken() from error

    async def _build(self) -> ASGIApp:
        async with AsyncExitStack() as stack:
            folder = Folder(stack.enter_context(locked_folder("page")))
            # Gradio reads them when it is imported: no analytics, and files where we remove them.
            os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(folder.path))
            layout = await asyncio.to_thread(importlib.import_module, "service.ui.layout")
            built = await asyncio.to_thread(layout.build_page, self._context, PATH, folder)
            await stack.enter_async_context(_running(built.application))
            await stack.enter_async_context(folder.kept_small())
            self._stack = stack.pop_all()
        log.info("the page at %s is ready", PATH)
        gate: ASGIApp = built.gate
        return gate


def _broken() -> Unavailable:
    return Unavailable(
        "The page could not be put together; the service's log says why.", retry_after_s=RETRY_S
    )


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield

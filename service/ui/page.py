"""Where the page's files are in the application: the document at `/ui/`, what it loads beside it."""

import re
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from foundation.errors import NotFound
from service.endpoints.context import Context
from service.http.entity_tags import matches
from service.http.requesters import current_key
from service.ui.assets import Asset, Assets
from service.ui.beginning import tell_beginning

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_FAVICON = Path(__file__).with_name("favicon.ico")
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)", re.IGNORECASE)


def add_page(app: FastAPI, context: Context, *, keys: bool) -> None:
    """Serve the page, and lead `/` to it; to `/docs` where it is switched off.

    With `keys` it asks a visitor for an API key who did not send one already.
    """
    wanted = context.settings.ui == "on"
    target = "ui/" if wanted else "docs"

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(target)  # relative: it holds behind any path prefix

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> FileResponse:
        return FileResponse(_FAVICON, headers={"Cache-Control": "public, max-age=86400"})

    if wanted:
        _add_files(app, Assets(), context, keys=keys)


def _add_files(app: FastAPI, assets: Assets, context: Context, *, keys: bool) -> None:
    @app.get("/ui", include_in_schema=False)
    async def lead() -> RedirectResponse:
        return RedirectResponse("ui/")

    @app.get("/ui/", include_in_schema=False)
    async def show_page(http_request: Request) -> Response:
        key_wanted = keys and current_key() is None
        model = http_request.query_params.get("model", "")
        beginning = None if key_wanted else await tell_beginning(context, model)
        document = assets.write_index(key_wanted=key_wanted, beginning=beginning)
        return answer_asset(http_request, document, ASK_AGAIN)

    @app.get("/ui/assets/{digest}/{name}", include_in_schema=False)
    async def show_asset(http_request: Request, digest: str, name: str) -> Response:
        asset = assets.find(digest, name)
        if asset is None:
            raise NotFound("There is no such file of the page's; reload it.")
        return answer_asset(http_request, asset, FOR_EVER)


def answer_asset(http_request: Request, asset: Asset, cache_control: str) -> Response:
    """A file as the client takes it, or 304 where it has it; each coding has its tag (RFC 9110, 8.8.3)."""
    packed = bool(_GZIP.search(http_request.headers.get("accept-encoding", "")))
    tag = f'"{asset.digest}{"-gzip" if packed else ""}"'
    headers = {"ETag": tag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    if matches(tag, http_request.headers.get("if-none-match")):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    content = asset.packed if packed else asset.content
    return Response(content, media_type=asset.media_type, headers=headers)

"""The one place where errors become responses: `application/problem+json` (RFC 9457)."""

import logging
from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.disconnection import ClientGone
from service.errors import GanymedeError, InvalidField
from service.exhaustion import explain_exhaustion

MEDIA_TYPE = "application/problem+json"
UNKNOWN_ERROR = "Something went wrong here. It is logged under this request's id."

log = logging.getLogger(__name__)


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """A problem document; `code` is stable, `detail` is for people."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return Response(orjson.dumps(body | members), status, headers, MEDIA_TYPE)


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""

    @app.exception_handler(GanymedeError)
    async def known(_: Request, error: GanymedeError) -> Response:
        return describe(error)

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        if error.status_code == 404:
            return problem(404, "not-found", "Not found", f"There is nothing at {path}; see /docs.")
        code = "method-not-allowed" if error.status_code == 405 else "http"
        detail = f"{request.method} {path}: {error.detail}."
        members = {"error": detail} if path.startswith("/v2/") else {}  # what that protocol's clients show
        return problem(error.status_code, code, str(error.detail), detail, headers=error.headers, **members)

    @app.exception_handler(ClientDisconnect)
    @app.exception_handler(OSError)
    @app.exception_handler(MemoryError)
    async def circumstance(request: Request, error: Exception) -> Response:
        return describe_unknown(request, error)

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        return describe_unknown(request, error)


def describe_unknown(request: Request, error: Exception, /, **members: object) -> Response:
    """A fixed sentence for the client, with any extension `members`; the trace for the log.

    A client that left before its body was whole, and a machine whose disk is full, are no faults of ours.
    """
    if isinstance(error, ClientDisconnect):
        return describe(ClientGone("The client hung up before its request was whole."), **members)
    refusal = explain_exhaustion(error)
    if refusal is not None:
        log.error("%s %s: %s", request.method, request.url.path, refusal)
        return describe(refusal, **members)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "internal", "Internal error", UNKNOWN_ERROR, headers=None, **members)


def describe(error: GanymedeError, /, **members: object) -> Response:
    """The problem document of a known error, with any extension `members`."""
    if isinstance(error, InvalidField):
        members["field"] = error.field
    return problem(error.status, error.code, error.title, str(error), headers=error.headers, **members)

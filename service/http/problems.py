"""The one place where errors become responses: `application/problem+json` (RFC 9457)."""

import logging
from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from foundation.errors import ClientGone, GanymedeError, NotFound, StoreError, tell_strangers
from foundation.exhaustion import explain_exhaustion
from service.http.addresses import speaks_inference
from service.http.problem_table import Headers, code_of, headers_of, problem_type

MEDIA_TYPE = "application/problem+json"
_PROTOCOL_MEDIA_TYPE = "application/json"
"""KServe's client reads the Open Inference Protocol's `error` of nothing else."""

UNKNOWN_ERROR = "Something went wrong here. It is logged under this request's id."

_MAX_PATH = 200
"""Characters of an address in an answer or the log."""

_MAX_TEXT = 1000
"""Characters of a text in a problem document."""


log = logging.getLogger(__name__)


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: Headers = (),
    **members: object,
) -> Response:
    """A problem document; `code` is stable, `detail` is for people. A name may come twice in `headers`.

    One with the member `error` is for clients of the Open Inference Protocol, and says it is JSON.
    """
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    media_type = _PROTOCOL_MEDIA_TYPE if "error" in members else MEDIA_TYPE
    response = Response(orjson.dumps(_shorten(body)), status, media_type=media_type)
    response.raw_headers[:0] = [(name.lower().encode(), value.encode()) for name, value in headers]
    return response


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""

    @app.exception_handler(GanymedeError)
    async def known(http_request: Request, error: GanymedeError) -> Response:
        return describe(error, **protocol_members(http_request.scope, error))

    @app.exception_handler(HTTPException)
    async def routing(http_request: Request, error: HTTPException) -> Response:
        path = http_request.url.path[:_MAX_PATH]
        if error.status_code == 404:
            detail = f"There is nothing at {path}; see /docs."
            return describe(NotFound(detail), **protocol_members(http_request.scope, detail))
        code = "method-not-allowed" if error.status_code == 405 else "http"
        detail = f"{http_request.method} {path}: {error.detail}."
        members = protocol_members(http_request.scope, detail)
        headers = tuple((error.headers or {}).items())
        return problem(error.status_code, code, str(error.detail), detail, headers=headers, **members)

    @app.exception_handler(ClientDisconnect)
    @app.exception_handler(OSError)
    @app.exception_handler(MemoryError)
    async def circumstance(http_request: Request, error: Exception) -> Response:
        return describe_fault(http_request, error)


def protocol_members(scope: Scope, sentence: object) -> dict[str, object]:
    """What clients of the Open Inference Protocol show of an error, where a request is one of theirs."""
    return {"error": tell_strangers(sentence)} if speaks_inference(scope) else {}


def describe_fault(http_request: Request, error: Exception) -> Response:
    """What `describe_unknown` says, in the words of those who ask."""
    return describe_unknown(http_request, error, **protocol_members(http_request.scope, UNKNOWN_ERROR))


def describe_unknown(http_request: Request, error: Exception, /, **members: object) -> Response:
    """A fixed sentence for the client, with any extension `members`; the trace for the log.

    A client that left before its body was whole, and a machine whose disk is full, are no faults of ours.
    """
    known: GanymedeError | None = explain_exhaustion(error)
    if isinstance(error, ClientDisconnect):
        known = ClientGone("The client hung up before its request was whole.")
    elif known is not None:
        log.error("%s %s: %s", http_request.method, http_request.url.path[:_MAX_PATH], known)
    if known is not None:
        return describe(known, **({"error": str(known)} if "error" in members else {}))
    log.error("%s %s failed", http_request.method, http_request.url.path[:_MAX_PATH], exc_info=error)
    return describe(GanymedeError(UNKNOWN_ERROR), **members)


def _shorten(members: Mapping[str, object]) -> dict[str, object]:
    """`members`, the longest texts without their ends: the client's own values may be in them."""
    return {
        name: f"{value[:_MAX_TEXT]}…" if isinstance(value, str) and len(value) > _MAX_TEXT else value
        for name, value in members.items()
    }


def describe(error: GanymedeError, /, **members: object) -> Response:
    """The problem document of a known error, with any extension `members`."""
    if (field := getattr(error, "field", None)) is not None:
        members["field"] = field
    kind = problem_type(error)
    return problem(kind.status, code_of(error), kind.title, tell(error), headers=headers_of(error), **members)


def tell(error: GanymedeError) -> str:
    """The sentence for a client, who need not know where the store is; the log has what it leaves out."""
    told = error.for_strangers()
    if isinstance(error, StoreError) and told != str(error):
        log.warning("%s", error)
    return told

"""What the service says of each request: its id, a line in the log, and its figures."""

import contextvars
import io
import logging
import random
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.addresses import OPEN_PATHS, ROUTE
from service.http.disconnection import note_departure
from service.http.log_text import MAX_LINE, TextFormatter, escape_controls
from service.http.log_writing import LogWriter
from service.http.problems import describe_unknown
from service.http.requesters import current_key, note_address
from service.http.security_headers import headers_for
from service.http.worked import describe_work, forget_work
from service.metrics import Metrics
from service.releases.answering import current_version, note_release

_HEADER = b"x-request-id"
_CLIENT_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_SERVER_TIMING = b"server-timing"
_SCOPE_KEY = "ganymede.answer"

request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)
log = logging.getLogger("service.requests")


@dataclass(slots=True)
class _Answer:
    """What is known of one; copies of its request's scope share it."""

    status: int = 500
    started: bool = False
    timing: bytes = b""


class Telemetry:
    """ASGI middleware: every response carries its id and `security_headers`, is counted, and is logged."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        note_address(scope)
        note_release(None)
        forget_work()
        note_departure(scope)
        answer = scope[_SCOPE_KEY] = _Answer()
        standing = headers_for(scope)  # now: routing changes the scope

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.started, answer.status = True, message["status"]
                headers = message["headers"]
                if log.isEnabledFor(logging.INFO):
                    answer.timing = next((value for name, value in headers if name == _SERVER_TIMING), b"")
                message["headers"] = [*headers, *standing, header]
            await send(message)

        identity, token = _note_identity(scope)
        header = (_HEADER, identity)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            if answer.started:
                raise
            await describe_unknown(Request(scope), error)(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            record_request(self._metrics, scope, answer.status, seconds, answer.timing)
            request_id.reset(token)


def has_started(scope: Scope) -> bool:
    """Whether the answer to the request of `scope` is on its way, and none else can be given."""
    answer: _Answer | None = scope.get(_SCOPE_KEY)
    return answer is not None and answer.started


@contextmanager
def identify_request(scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    """Let what is logged inside carry the request's id, the client's or a new one; the header of it."""
    identity, token = _note_identity(scope)
    try:
        yield _HEADER, identity
    finally:
        request_id.reset(token)


def record_request(metrics: Metrics, scope: Scope, status: int, seconds: float, timing: bytes = b"") -> None:
    """Count a request that was answered with `status` after so many seconds, and log it where that is on."""
    route = route_of(scope)
    metrics.observe_request(route, status, seconds)
    if answered_by := current_version():
        metrics.observe_version(*answered_by, status, seconds)
    if log.isEnabledFor(logging.INFO) and route not in OPEN_PATHS:
        log.info(
            "%s %s %d %.1f ms",
            scope["method"],
            scope["path"],
            status,
            1000 * seconds,
            extra={
                "fields": {
                    "status": status,
                    "seconds": round(seconds, 6),
                    "timing": timing.decode(),
                    **describe_work(),
                }
            },
        )


def route_of(scope: Scope) -> str:
    """The pattern of the request's address, such as `/models/{name}`; unknown addresses are all `other`."""
    return scope.get(ROUTE) or getattr(scope.get("route"), "path", None) or "other"


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the id of the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": escape_controls(record.getMessage()[:MAX_LINE]),
            **getattr(record, "fields", {}),
        }
        if identity := request_id.get():
            entry["request_id"] = identity
        if key := current_key():
            entry["key"] = key
        if record.exc_info:
            entry["trace"] = escape_controls(self.formatException(record.exc_info), keep="\n\t")
        return orjson.dumps(entry).decode()


def configure_logs(log_format: Literal["json", "text"]) -> None:
    """Send log lines to standard error: as JSON with one for every request, or as text without those."""
    if log_format == "json" and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8")  # JSON is (RFC 8259, section 8.1), whatever the locale
    handler: logging.Handler = logging.NullHandler() if sys.stderr is None else LogWriter(sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    handler.setFormatter(JsonFormatter() if log_format == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    log.setLevel(logging.INFO if log_format == "json" else logging.WARNING)
    # What Pillow says of strangers' files is no line of the log, and each sentence would be kept for ever.
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _note_identity(scope: Scope) -> tuple[bytes, contextvars.Token[str | None]]:
    identity = _client_id(scope) or b"%032x" % random.getrandbits(128)
    return identity, request_id.set(identity.decode())


def _client_id(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == _HEADER and _CLIENT_ID.fullmatch(value):
            return bytes(value)
    return None

"""Traces of requests: a span for each, and in it what `Server-Timing` measured, for whoever collects them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.addresses import OPEN_PATHS, path_of
from service.http.telemetry import route_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

STAGES = ("queue", "infer", "encode")
"""In the order in which they happen; the last ends as the answer begins."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_OTHER = "_OTHER"
"""What OpenTelemetry calls a method that somebody made up: they are no names to count by."""
_NS_PER_MS = 1_000_000
SERVER_ERRORS = 500


class Traces:
    """ASGI middleware: a server span a request, the child of the client's where it sends `traceparent`.

    The names and attributes are those of OpenTelemetry's semantic conventions for HTTP; `traceparent` is
    W3C's Trace Context. Health checks and figures have none.
    """

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or path_of(scope) in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind

        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        span = self._tracer.start_span(method, context=read_parent(scope), kind=SpanKind.SERVER)

        async def note_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(span, message)
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        finally:
            route = route_of(scope)
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})
            span.end()

    def _note(self, span: Span, message: Message) -> None:
        from opentelemetry.trace import StatusCode, set_span_in_context

        status, headers = message["status"], dict(message["headers"])
        span.set_attribute("http.response.status_code", status)
        if status >= SERVER_ERRORS:
            span.set_status(StatusCode.ERROR)
        for header, attribute in ((b"x-request-id", "ganymede.request_id"), (b"x-model", "ganymede.model")):
            if header in headers:
                span.set_attribute(attribute, headers[header].decode("latin-1"))
        end_ns, inside = time.time_ns(), set_span_in_context(span)
        for stage, took_ms in reversed(read_timing(headers.get(b"server-timing", b""))):
            began_ns = end_ns - round(took_ms * _NS_PER_MS)
            self._tracer.start_span(stage, context=inside, start_time=began_ns).end(end_ns)
            end_ns = began_ns


def read_parent(scope: Scope) -> Context:
    """The client's span, where its `traceparent` names one; what is none, or comes twice, is no parent."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in (b"traceparent", b"tracestate"):
            carrier.setdefault(name.decode(), []).append(value.decode("latin-1"))
    if len(carrier.get("traceparent", ())) != 1:
        return Context()
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def read_timing(header: bytes) -> list[tuple[str, float]]:
    """Name and milliseconds of each of our stages in a `Server-Timing` of ours, in their order."""
    entries = (entry.strip().partition(";dur=") for entry in header.decode("latin-1").split(","))
    taken = {name: float(value) for name, _, value in entries if name in STAGES and value}
    return [(stage, taken[stage]) for stage in STAGES if stage in taken]

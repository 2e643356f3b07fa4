"""Traces: off and unknown until OpenTelemetry's variables ask; then a span a request and its stages."""

import http.server
import os
import queue
import subprocess
import sys
import threading

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from service.http.trace_export import TraceExport, is_asked_for, make_provider, open_export
from service.http.traces import Traces, read_timing
from service.settings import WrongSetting
from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


class Collector:
    """A tiny OTLP receiver on a port of its own."""

    def __init__(self) -> None:
        self.received: queue.Queue[ExportTraceServiceRequest] = queue.Queue()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.received.put(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self, count: int):
        """At least so many spans, and the attributes of their resource."""
        found, resource = [], {}
        while len(found) < count:
            for part in self.received.get(timeout=PATIENCE_S).resource_spans:
                resource = {each.key: each.value.string_value for each in part.resource.attributes}
                found += [span for scope in part.scope_spans for span in scope.spans]
        return found, resource


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_request_is_a_span_with_its_stages_at_the_collector(collector, tiny_store, tmp_path):
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # they are sent because the process ends
    }
    with run_server(tiny_store, tmp_path, "--ui", "off", **variables) as server, server.client() as client:
        client.get("/livez")
        answer = client.post("/generate", json={"seed": 1, "count": 2}, headers={"traceparent": TRACEPARENT})
        assert answer.status_code == 200
    spans, resource = collector.spans(4)
    assert sorted(span.name for span in spans) == ["POST /generate", "encode", "infer", "queue"]
    [request] = [span for span in spans if span.name == "POST /generate"]
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in spans if span is not request} == {request.span_id}
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["ganymede.request_id"].string_value == answer.headers["x-request-id"]
    assert attributes["ganymede.model"].string_value == answer.headers["x-model"]
    took = {span.name: (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6 for span in spans}
    for stage, took_ms in read_timing(answer.headers["server-timing"].encode()):
        assert took[stage] == pytest.approx(took_ms, abs=0.001)
    assert resource["service.name"] == "ganymede"


@pytest.fixture
def traced():
    """A client of a small application behind the middleware, and what it traced."""
    exporter = InMemorySpanExporter()
    export = TraceExport(make_provider(SimpleSpanProcessor(exporter), {}))

    async def answer(request):
        headers = {"Server-Timing": "queue;dur=1.00, infer;dur=2.00, encode;dur=3.00, other;dur=9"}
        return Response(status_code=int(request.path_params["status"]), headers=headers)

    app = Traces(
        Starlette(routes=[Route("/{status}", answer, methods=["GET", "BREW"])]), tracer=export.tracer
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://test"), exporter


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [("traceparent", "00-zz-1-01")],
        [("traceparent", f"00-{'0' * 32}-{PARENT}-01")],
        [("traceparent", "\xff" * 4000)],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        [("tracestate", "a=b")],
    ],
    ids=range(6),
)
@pytest.mark.anyio
async def test_what_is_no_traceparent_begins_a_trace(traced, sent, caplog):
    client, exporter = traced
    async with client:
        await client.get("/200", headers=[(name, value.encode("latin-1")) for name, value in sent])
    request = exporter.get_finished_spans()[-1]
    assert request.parent is None
    assert request.context.trace_id != int(TRACE, 16)
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


@pytest.mark.anyio
async def test_the_log_repeats_no_tracestate_of_a_stranger_s(traced, caplog):
    client, exporter = traced
    async with client:
        sent = {"traceparent": TRACEPARENT, "tracestate": "see my advertisement, a==b" + "x" * 9000}
        await client.get("/200", headers=sent)
    assert exporter.get_finished_spans()[-1].parent.trace_id == int(TRACE, 16)
    assert "advertisement" not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


@pytest.mark.anyio
async def test_stages_lie_one_after_the_other_within_their_request(traced):
    client, exporter = traced
    async with client:
        await client.get("/200")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    stages = [spans[name] for name in ("queue", "infer", "encode")]
    assert [(span.end_time - span.start_time) / 1e6 for span in stages] == [1, 2, 3]
    assert [span.end_time for span in stages[:-1]] == [span.start_time for span in stages[1:]]
    assert len(spans) == 4


@pytest.mark.anyio
async def test_an_error_of_ours_is_one_in_the_trace_and_no_stranger_names_spans(traced):
    client, exporter = traced
    async with client:
        for method, path in (("GET", "/503"), ("GET", "/404"), ("BREW", "/200")):
            await client.request(method, path)
    names = [span.name for span in exporter.get_finished_spans() if span.kind.name == "SERVER"]
    states = [s.status.status_code.name for s in exporter.get_finished_spans() if s.kind.name == "SERVER"]
    assert states == ["ERROR", "UNSET", "UNSET"]
    assert names[2].startswith("_OTHER ")


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", **ENDPOINT}, False),
        ({"OTEL_SDK_DISABLED": "true", **ENDPOINT}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
    ids=str,
)
def test_the_standard_variables_ask_for_traces(variables, asked):
    assert is_asked_for(variables) is asked


@pytest.mark.parametrize(
    "wrong",
    [{"OTEL_TRACES_EXPORTER": "zipkin"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **ENDPOINT}],
    ids=str,
)
def test_what_is_not_here_stops_the_start_and_names_the_variable(wrong):
    with pytest.raises(WrongSetting, match="|".join(wrong)):
        open_export(wrong)


def test_without_the_variables_nothing_of_it_is_imported():
    code = (
        "import os, sys\nfrom service.application import create_app\nfrom service.settings import Settings\n"
        "create_app(Settings(ui='off'))\n"
        "print({*sys.modules} & {'opentelemetry.sdk', 'opentelemetry.exporter'})"
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_variables_without_the_extra_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(WrongSetting, match=r"pip install 'ganymede\[traces\]'"):
        open_export(ENDPOINT)


def test_a_collector_that_is_away_does_not_keep_the_process():
    class Stuck(SimpleSpanProcessor):
        def __init__(self) -> None:
            self.asked = threading.Event()

        def shutdown(self) -> None:
            self.asked.set()
            threading.Event().wait(PATIENCE_S)

    processor = Stuck()
    closing = threading.Thread(target=TraceExport(make_provider(processor, {})).close)
    closing.start()
    closing.join(PATIENCE_S / 2)
    assert processor.asked.is_set()
    assert not closing.is_alive()

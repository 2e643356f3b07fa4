"""Where traces go: to a collector by OTLP, where OpenTelemetry's own variables say so; nowhere else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from foundation.version import read_version
from service.settings import WrongSetting

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

SERVICE_NAME = "ganymede"
PROTOCOL = "http/protobuf"
CLOSE_LIMIT_S = 2.0
"""For what was not sent yet when the process ends; a collector that is away must not keep it."""
EXPORTER, DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class TraceExport:
    """Sends spans on a thread of its own, a bounded number of them waiting; what is too much is dropped."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    @property
    def tracer(self) -> Tracer:
        """What makes the spans."""
        tracer: Tracer = self._provider.get_tracer("ganymede", read_version())
        return tracer

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        sending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        sending.start()
        sending.join(CLOSE_LIMIT_S)


def is_asked_for(variables: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables ask for traces.

    Raises:
        WrongSetting: they ask for what is not here; the message names the variable.
    """
    if variables.get(DISABLED, "").strip().lower() == "true":
        return False
    exporter = variables.get(EXPORTER, "").strip().lower()
    if exporter not in ("", "otlp", "none"):
        raise WrongSetting(f"{EXPORTER}={exporter}: traces go by otlp, or none")
    asked = exporter == "otlp" or (not exporter and any(variables.get(name) for name in ENDPOINTS))
    for name in PROTOCOLS:
        protocol = variables.get(name, "").strip()
        if asked and protocol not in ("", PROTOCOL):
            raise WrongSetting(f"{name}={protocol}: traces go by {PROTOCOL}")
    return asked


def open_export(variables: Mapping[str, str]) -> TraceExport | None:
    """What sends traces where `variables` say, None where they ask for none: then nothing is imported.

    Raises:
        WrongSetting: the extra is not installed, or a variable asks for what is not here.
    """
    if not is_asked_for(variables):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise WrongSetting(
            f"{EXPORTER} or {ENDPOINTS[1]} asks for traces, and {error.name} is not installed: "
            "pip install 'ganymede[traces]'"
        ) from None
    return TraceExport(make_provider(BatchSpanProcessor(OTLPSpanExporter()), variables))


def make_provider(processor: SpanProcessor, variables: Mapping[str, str]) -> TracerProvider:
    """What hands spans to `processor`; the sampler and the resource are those of the variables."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)  # it repeats what strangers sent
    name = variables.get("OTEL_SERVICE_NAME") or SERVICE_NAME
    resource = Resource.create({"service.name": name, "service.version": read_version()})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider

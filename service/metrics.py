"""The figures of a running service for Prometheus, in seconds and bytes, in a registry of their own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


Outcome = Literal["loaded", "refused", "unreachable", "failed"]
"""How an attempt to load what the store has anew can end."""


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A version in memory, as the metric `ganymede_model_info` has it."""

    model: str
    version: str
    device: str
    precision: str
    golden_differs: bool
    """Whether this machine rounds its golden pictures otherwise than they were recorded."""


class Metrics:
    """All metrics of one service; the names are a promise to dashboards and alarms."""

    def __init__(self) -> None:
        self._by_request = dict[tuple[str, int], tuple[Counter, Histogram]]()
        self._by_version = dict[tuple[str, str, int], tuple[Counter, Histogram]]()
        self._by_format = dict[str, Histogram]()
        self._images_of = dict[tuple[str, str], Counter]()
        """Looking the children up by their labels would cost more than counting."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def histogram(
            name: str, text: str, labels: tuple[str, ...] = (), buckets: tuple[float, ...] = _SECONDS
        ) -> Histogram:
            return Histogram(f"ganymede_{name}", text, labels, registry=registry, buckets=buckets)

        self.requests_total = Counter(
            "ganymede_requests_total", "Requests answered.", ("route", "status"), registry=registry
        )
        self.request_seconds = histogram("request_seconds", "From request to response.", ("route",))
        version = ("model", "version")
        self.version_requests_total = Counter(
            "ganymede_version_requests_total",
            "Requests for which a version was looked up, by their status.",
            (*version, "status"),
            registry=registry,
        )
        self.version_request_seconds = histogram(
            "version_request_seconds", "Of those, from request to response.", version
        )
        self.shadow_images_total = Counter(
            "ganymede_shadow_images_total",
            "Images that a shadow drew too: same, differs or failed.",
            (*version, "outcome"),
            registry=registry,
        )
        self.shadow_dropped_total = Counter(
            "ganymede_shadow_dropped_total",
            "Requests that were not compared for want of room.",
            version,
            registry=registry,
        )
        self.shadow_seconds = histogram(
            "shadow_seconds", "Of a sample, by the version that answers and its shadow.", version
        )
        self.queue_seconds = histogram("queue_seconds", "From admission to the first batch.")
        self.inference_seconds = histogram("inference_seconds", "Of one batch.")
        self.encode_seconds = histogram("encode_seconds", "Of one response.", ("format",))
        self.batch_images = histogram("batch_images", "Images in a batch.", buckets=_IMAGES)
        self.queue_images = Gauge(
            "ganymede_queue_images", "Images admitted and not generated yet.", registry=registry
        )
        self.flight_bytes = Gauge(
            "ganymede_flight_bytes",
            "Bytes that answers hold from their admission until they are sent.",
            registry=registry,
        )
        self.images_total = Counter(
            "ganymede_images_total", "Images generated.", ("model", "version"), registry=registry
        )
        self.projections_total = Counter(
            "ganymede_projections_total", "Pictures found in a latent space.", version, registry=registry
        )
        self.projection_seconds = histogram("projection_seconds", "Of one request for projections.")
        self.projection_batch_seconds = histogram(
            "projection_batch_seconds", "Of one batch of a graph: encoder or gradient.", ("graph",)
        )
        self.projection_batch_pictures = histogram(
            "projection_batch_pictures", "Pictures in it.", ("graph",), buckets=_IMAGES
        )
        self.model_info = Gauge(
            "ganymede_model_info",
            "1 for every version in memory.",
            ("model", "version", "device", "precision"),
            registry=registry,
        )
        self.golden_differs = Gauge(
            "ganymede_golden_differs",
            "1 for a version in memory whose golden pictures this machine rounds otherwise than recorded.",
            ("model", "version"),
            registry=registry,
        )
        self.reloads_total = Counter(
            "ganymede_reloads_total", "Releases that were to be loaded.", ("outcome",), registry=registry
        )

        for outcome in get_args(Outcome):
            self.reloads_total.labels(outcome)  # 0 from the start, so that a rate can be taken
        self.refusals_total = Counter(
            "ganymede_refusals_total",
            "Requests refused for their key, its rate or its quota.",
            ("code",),
            registry=registry,
        )
        self.store_reachable = Gauge(
            "ganymede_store_reachable", "1 while the model store answers.", registry=registry
        )

    def count_reload(self, outcome: Outcome) -> None:
        """Count a release that was to be loaded."""
        self.reloads_total.labels(outcome).inc()

    def show_models(self, models: Iterable[ShownModel]) -> None:
        """Show these versions, and no other, as those in memory."""
        self.model_info.clear()
        self.golden_differs.clear()
        for shown in models:
            self.model_info.labels(shown.model, shown.version, shown.device, shown.precision).set(1)
            self.golden_differs.labels(shown.model, shown.version).set(shown.golden_differs)

    def count_refusal(self, code: str) -> None:
        """Count a request that was refused for its key, or for what that may ask."""
        self.refusals_total.labels(code).inc()

    def watch_rates_store(self, answered: Callable[[], bool]) -> None:
        """Show whether the store of shared rates answered when it was last asked."""
        gauge = Gauge(
            "ganymede_rates_store_reachable", "1 while the rates' store answers.", registry=self.registry
        )
        gauge.set_function(lambda: float(answered()))

    def watch_store(self, answered: Callable[[], bool]) -> None:
        """Show whether the model store answered when it was last asked."""
        self.store_reachable.set_function(lambda: float(answered()))

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        children = self._by_request.get((route, status))
        if children is None:
            children = self.requests_total.labels(route, str(status)), self.request_seconds.labels(route)
            self._by_request[route, status] = children
        requests_total, request_seconds = children
        requests_total.inc()
        request_seconds.observe(seconds)

    def observe_version(self, model: str, version: str, status: int, seconds: float) -> None:
        """Count a request that a model's version answered, or was to answer."""
        children = self._by_version.get((model, version, status))
        if children is None:
            children = (
                self.version_requests_total.labels(model, version, str(status)),
                self.version_request_seconds.labels(model, version),
            )
            self._by_version[model, version, status] = children
        requests_total, request_seconds = children
        requests_total.inc()
        request_seconds.observe(seconds)

    def observe_answer(self, format: str, queue_s: float, encode_s: float) -> None:
        """Count an answer with pictures in `format`."""
        self.queue_seconds.observe(queue_s)
        encode_seconds = self._by_format.get(format)
        if encode_seconds is None:
            encode_seconds = self._by_format[format] = self.encode_seconds.labels(format)
        encode_seconds.observe(encode_s)

    def observe_projection(self, model: str, version: str, pictures: int, seconds: float) -> None:
        """Count a request for `pictures` projections that took `seconds`."""
        self.projection_seconds.observe(seconds)
        self.projections_total.labels(model, version).inc(pictures)

    def observe_projection_batch(self, graph: str, pictures: int, seconds: float) -> None:
        """Count a batch of `pictures` that ran through `encoder` or `gradient` for `seconds`."""
        self.projection_batch_seconds.labels(graph).observe(seconds)
        self.projection_batch_pictures.labels(graph).observe(pictures)

    def observe_batch(self, model: str, version: str, images: int, seconds: float) -> None:
        """Count a batch of `images` of a model's version that ran for `seconds`."""
        self.inference_seconds.observe(seconds)
        self.batch_images.observe(images)
        images_total = self._images_of.get((model, version))
        if images_total is None:
            images_total = self._images_of[model, version] = self.images_total.labels(model, version)
        images_total.inc(images)

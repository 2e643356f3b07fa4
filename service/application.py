"""The FastAPI application, put together from its parts."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware

from foundation.locked_folders import remove_left_folders
from foundation.signatures import parse_key_files
from foundation.store import open_served_store
from foundation.version import read_version
from service.access.authentication import ApiKeys, warn_if_open
from service.access.keyed_answers import KeyedAnswers
from service.access.keys import ApiKey, read_keys
from service.access.rates import Rates
from service.access.refusals import Refusals
from service.access.shared_windows import SharedWindows
from service.access.signed_addresses import SignedAddresses
from service.access.url_signatures import read_signing_keys
from service.endpoints import health, images, models
from service.endpoints import metrics as figures
from service.endpoints.context import Context
from service.endpoints.description import TAGS, add_descriptions
from service.endpoints.endpoint import Door
from service.endpoints.kept_walks import KeptWalks
from service.endpoints.registry import find_endpoints
from service.endpoints.shadowing import Shadowing
from service.engine.budget import Budget
from service.engine.cores import usable_cores
from service.engine.devices import choose_device
from service.engine.engine import Engine
from service.engine.threads import Threads
from service.http.cross_origin import CrossOrigins
from service.http.faults import Faults
from service.http.head_requests import HeadRequests
from service.http.hot_paths import Handler, HotPaths
from service.http.problems import add_error_handlers
from service.http.ranges import Ranges
from service.http.reading import Bodies
from service.http.redirects import Redirects
from service.http.requesters import current_requester
from service.http.telemetry import Telemetry
from service.http.threshold import Threshold
from service.http.trace_export import TraceExport, open_export
from service.http.traces import Traces
from service.http.under_way import UnderWay
from service.metrics import Metrics
from service.protocols import inference, sagemaker
from service.protocols.sagemaker import Invocations
from service.releases.lookup import Releases
from service.releases.reloading import Reloading
from service.settings import Settings
from service.ui.page import add_page

CLOSE_LIMIT_S = 1.0
"""Who waited for answers has left by then; see `service.server.draining`."""

TURN_S = 0.01
"""Of a batch on a processor while several ask: images cost hardly more there in two batches than in one, and
who comes while one runs waits no longer than that."""

READING_WAIT_S = 10.0
"""How long pictures that were sent may wait to be read: hardly any takes a second."""

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The service for `settings`; models are opened when it starts, not here."""
    metrics = Metrics()
    store = open_served_store(
        settings.models,
        cache=settings.cache,
        cache_max_bytes=settings.cache_max_bytes,
        timeout_s=settings.store_timeout_s,
        call_timeout_s=settings.store_call_timeout_s,
        trusted_keys=parse_key_files(settings.trusted_keys),
    )
    metrics.watch_store(lambda: store.failure is None)
    device = choose_device(
        settings.device,
        threads=usable_cores(),
        max_batch_images=settings.max_batch_images,
        precision=settings.precision,
    )
    releases = Releases(
        store,
        default_model=settings.default_model,
        device=device,
        max_resident=settings.max_resident_models,
        max_graph_bytes=settings.max_graph_bytes,
        load_timeout_s=settings.request_timeout_s,
        open_timeout_s=settings.load_timeout_s,
        warm_up=lambda release: release.generator.warm_up(settings.max_batch_images),
        changed=lambda releases: metrics.show_models(release.shown() for release in releases),
        caller=current_requester,
    )
    keys, windows = read_keys(settings), SharedWindows(settings.rates_store)
    if windows.shared:
        metrics.watch_rates_store(lambda: windows.reachable)
    budget = Budget(settings.max_bytes_in_flight)
    metrics.flight_bytes.set_function(lambda: budget.held_bytes)
    engine = Engine(
        max_batch_images=settings.max_batch_images,
        max_queue_images=settings.max_queue_images,
        timeout_s=settings.request_timeout_s,
        device_threads=device.threads if device.name == "cpu" else 1,
        encode_threads=max(2, usable_cores()),
        walk_threads=max(2, usable_cores()),
        turn_s=TURN_S if device.name == "cpu" else None,
        metrics=metrics,
    )
    readers = max(2, usable_cores())  # of which one is always left to others
    context = Context(
        settings=settings,
        budget=budget,
        releases=releases,
        reloading=Reloading(releases, interval_s=settings.reload_interval_s, count=metrics.count_reload),
        engine=engine,
        shadowing=Shadowing(releases, engine, metrics),
        walks=KeptWalks(settings.walk_cache_max_bytes),
        under_way=UnderWay(),
        rates=Rates(
            settings.rate_images_per_s,
            max_images_per_request=settings.max_images_per_request,
            images_per_day=settings.quota_images_per_day,
            keys=keys,
            windows=windows,
            count=metrics.count_refusal,
        ),
        metrics=metrics,
        bodies=Bodies(
            max_bytes=settings.max_body_bytes,
            max_images=settings.max_images_per_request,
            timeout_s=settings.body_timeout_s,
        ),
        photos=Threads(
            "reading pictures",
            max_running=readers,
            max_waiting=settings.max_queue_images,
            wait_s=min(READING_WAIT_S, settings.request_timeout_s),
            max_each=readers // 2,
            whose=current_requester,
        ),
    )
    warn_if_open(settings, keys)
    export = open_export(os.environ)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if left := remove_left_folders():
            log.info("%d temporary folders that a process left behind are removed", left)
        context.reloading.start()
        yield
        await context.bodies.close()
        await context.shadowing.close()
        await context.engine.close(limit_s=CLOSE_LIMIT_S)
        await context.reloading.close()
        await windows.close()
        context.walks.close()
        if export:
            await asyncio.to_thread(export.close)

    endpoints = find_endpoints()
    everywhere: list[Door] = [*endpoints, Invocations(endpoints)]
    doors = {door.path: door for door in everywhere}
    handlers = {path: partial(door.handle, context) for path, door in doors.items()}
    app: FastAPI = FastAPIOffline(
        title="Ganymede",
        description="Pictures from a generator: the same bytes for the same seed. A release whose "
        "`arithmetic` is `exact` gives the same pixels on every machine; one of `float` on machines alike, "
        "and elsewhere all but for a rounding. Equal pixels are equal bytes from equal builds of encoders.",
        version=read_version(),
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        openapi_tags=list(TAGS),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        middleware=[Middleware(layer) for layer in (Faults, HeadRequests, Ranges, Redirects)],
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},  # ours does
    )
    app.state.context = context
    add_error_handlers(app)
    for path, door in doors.items():
        app.add_route(path, handlers[path], methods=list(door.methods))
    for part in (images, models, health, figures, sagemaker, inference):
        app.include_router(part.router)
    add_descriptions(app, {path: door.describe() for path, door in doors.items()}, keys=bool(keys))
    add_page(app, context, keys=bool(keys))
    app.middleware_stack = app.build_middleware_stack()
    for layer, arguments, named in reversed(list_layers(context, keys, handlers, export)):
        app.middleware_stack = layer(app.middleware_stack, *arguments, **named)
    return app


def list_layers(
    context: Context, keys: Mapping[str, ApiKey], handlers: Mapping[str, Handler], export: TraceExport | None
) -> list[Middleware]:
    """What every request passes on its way in, from the outside; what is behind it is FastAPI's own."""
    max_body_bytes = context.settings.max_body_bytes
    origins = context.settings.origins
    wrong_keys = context.settings.wrong_keys_per_minute
    refusals = Refusals(wrong_keys=wrong_keys, count=context.metrics.count_refusal)
    for_keys = [Middleware(ApiKeys, keys=keys, refusals=refusals), Middleware(KeyedAnswers)]
    return [
        *([Middleware(Traces, tracer=export.tracer)] if export else ()),
        Middleware(Telemetry, metrics=context.metrics),
        *([Middleware(CrossOrigins, origins=origins)] if origins else []),
        Middleware(
            Threshold,
            engine=context.engine,
            under_way=context.under_way,
            paths=handlers,
            max_body_bytes=max_body_bytes,
        ),
        Middleware(SignedAddresses, keys=read_signing_keys(context.settings), refusals=refusals),
        *(for_keys if keys else ()),
        Middleware(HotPaths, handlers=handlers),
    ]

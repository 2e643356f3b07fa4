"""The FastAPI application, put together from its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service.context import Context
from service.cores import usable_cores
from service.devices import choose_device
from service.draining import AnsweringToTheEnd
from service.engine import Engine
from service.head_requests import HeadRequests
from service.hot_paths import HotPaths
from service.metrics import Metrics
from service.problems import add_error_handlers
from service.rates import Rates
from service.releases import Releases
from service.reloading import Reloading
from service.routes import generate, health, images, inference, models, sagemaker, walk
from service.routes import metrics as figures
from service.routes.description import add_descriptions
from service.security import OPEN_PATHS, ApiKeys, read_digests, warn_if_open
from service.settings import Settings
from service.signatures import parse_key_files
from service.store import open_served_store
from service.telemetry import Telemetry
from service.ui.mount import add_page


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
    metrics.watch_store(store)
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
        changed=metrics.show_models,
    )
    context = Context(
        settings=settings,
        releases=releases,
        reloading=Reloading(releases, interval_s=settings.reload_interval_s, count=metrics.count_reload),
        engine=Engine(
            max_batch_images=settings.max_batch_images,
            max_queue_images=settings.max_queue_images,
            timeout_s=settings.request_timeout_s,
            device_threads=device.threads if device.name == "cpu" else 1,
            metrics=metrics,
        ),
        rates=Rates(settings.rate_images_per_s, max_images_per_request=settings.max_images_per_request),
        metrics=metrics,
    )
    digests = read_digests(settings)
    warn_if_open(settings, digests)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context.reloading.start()
        yield
        if app.state.page:
            await app.state.page.close()
        await context.engine.close()
        await context.reloading.close()

    app: FastAPI = FastAPIOffline(
        title="Ganymede",
        description="Pictures from a generator: the same bytes for the same seed.",
        version="0.1.0",
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},  # ours does
    )
    app.state.context = context
    hot_paths = {"/generate": generate.generate, "/latent-walk": walk.latent_walk}
    app.state.hot_paths = tuple(hot_paths)
    app.add_middleware(HotPaths, handlers=hot_paths)
    app.add_middleware(ApiKeys, digests=digests)
    app.add_middleware(AnsweringToTheEnd, context=context)
    app.add_middleware(HeadRequests)
    app.add_middleware(Telemetry, metrics=metrics)
    add_error_handlers(app)
    for part in (generate, walk, images, models, health, figures, sagemaker, inference):
        app.include_router(part.router)

    add_descriptions(
        app,
        {
            "/generate": generate.DESCRIPTION,
            "/latent-walk": walk.DESCRIPTION,
            "/invocations": sagemaker.DESCRIPTION,
        },
        keys=bool(digests),
        open_paths=OPEN_PATHS,
    )

    app.state.page = add_page(app, context)
    return app

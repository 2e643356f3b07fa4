"""The FastAPI application, put together from its parts."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from service.context import Context
from service.engine import Engine
from service.errors import GanymedeError
from service.metrics import Metrics
from service.problems import add_error_handlers
from service.rates import Rates
from service.releases import Releases
from service.routes import generate, health, images, models, sagemaker, walk
from service.routes import metrics as figures
from service.routes.description import add_descriptions
from service.security import ApiKeys, read_digests, warn_if_open
from service.settings import Settings
from service.store import open_store
from service.telemetry import RequestIds

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The service for `settings`; models are opened when it starts, not here."""
    metrics = Metrics()
    context = Context(
        settings=settings,
        releases=Releases(
            open_store(settings.models),
            default_model=settings.default_model,
            threads=os.cpu_count() or 1,
        ),
        engine=Engine(
            max_batch_images=settings.max_batch_images,
            max_queue_images=settings.max_queue_images,
            timeout_s=settings.request_timeout_s,
            metrics=metrics,
        ),
        rates=Rates(settings.rate_images_per_s, max_images_per_request=settings.max_images_per_request),
        metrics=metrics,
    )
    digests = read_digests(settings)
    warn_if_open(settings, digests)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load_default(context))
        yield
        await loading
        await context.engine.close()

    app: FastAPI = FastAPIOffline(
        title="Ganymede",
        description="Pictures from a generator: the same bytes for the same seed.",
        version="0.1.0",
        lifespan=lifespan,
    )
    app.state.context = context
    app.add_middleware(ApiKeys, digests=digests)
    app.add_middleware(RequestIds)
    add_error_handlers(app)
    for part in (generate, walk, images, models, health, figures, sagemaker):
        app.include_router(part.router)

    add_descriptions(
        app,
        {
            "/generate": generate.DESCRIPTION,
            "/latent-walk": walk.DESCRIPTION,
            "/invocations": sagemaker.DESCRIPTION,
        },
    )

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("docs")

    return app


async def _load_default(context: Context) -> None:
    try:
        context.readiness.release = await context.releases.resolve(None)
    except GanymedeError as error:
        log.error("not ready: %s", error)  # noqa: TRY400 - the sentence says it all
        context.readiness.error = error

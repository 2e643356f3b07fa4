"""`/livez` and `/readyz`: for load balancers and people with pagers."""

from fastapi import APIRouter, Response

from service.context import Service
from service.errors import Unavailable
from service.problems import describe

router = APIRouter(tags=["health"])


@router.get("/livez")
async def live() -> dict[str, str]:
    """The process runs and its event loop turns."""
    return {"status": "live"}


@router.get("/readyz", response_model=None)
async def ready(service: Service) -> Response | dict[str, str]:
    """200 once the default model is loaded and passed its golden check, 503 and the reason before."""
    readiness = service.readiness
    if readiness.error is not None:
        return describe(Unavailable(str(readiness.error)))
    if readiness.release is None:
        return describe(Unavailable("The default model is still being loaded."))
    return {"status": "ready", "model": readiness.release.manifest.reference}

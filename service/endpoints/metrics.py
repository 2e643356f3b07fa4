"""`GET /metrics`: the figures, for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from foundation.errors import NotFound
from service.endpoints.context import AppContext

router = APIRouter(tags=["health"])


_FIGURES = {"text/plain": {"schema": {"type": "string"}}}


@router.get("/metrics", response_class=Response, responses={200: {"content": _FIGURES}})
async def show_metrics(request: Request, context: AppContext) -> Response:
    """All metrics in Prometheus's text format.

    At the address as it is written here alone: what stands in front hides it by its name, and load balancers
    compare names before escapes are read, so that `/metric%73` would pass.
    """
    if not request.scope.get("raw_path", b"").endswith(b"/metrics"):
        raise NotFound("The figures are at /metrics, written without escapes.")
    return Response(generate_latest(context.metrics.registry), media_type=CONTENT_TYPE_LATEST)

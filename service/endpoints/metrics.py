"""`GET /metrics`: the figures, for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.endpoints.context import AppContext

router = APIRouter(tags=["health"])


_FIGURES = {"text/plain": {"schema": {"type": "string"}}}


@router.get("/metrics", response_class=Response, responses={200: {"content": _FIGURES}})
async def show_metrics(context: AppContext) -> Response:
    """All metrics in Prometheus's text format."""
    return Response(generate_latest(context.metrics.registry), media_type=CONTENT_TYPE_LATEST)

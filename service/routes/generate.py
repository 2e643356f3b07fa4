"""`POST /generate`: seeds or latents in, pictures out."""

import asyncio
import time

from fastapi import APIRouter, Request, Response

from service.bodies import read_body
from service.context import Service
from service.images import MEDIA_TYPES, encode_images
from service.inputs import draw_inputs, request_seeds
from service.limits import check_generate
from service.negotiation import choose_format
from service.routes.description import describe_operation
from service.routes.responses import picture_response
from service.schemas import GenerateRequest

router = APIRouter(tags=["pictures"])


@router.post("/generate", **describe_operation(GenerateRequest, MEDIA_TYPES.values()))
async def generate(request: Request, service: Service) -> Response:
    """Generate pictures: by default a PNG grid of 16 at random."""
    settings = service.settings
    order = await read_body(request, GenerateRequest, max_bytes=settings.max_body_bytes)
    form = choose_format(order.format, request.headers.get("accept"), MEDIA_TYPES)
    release = await service.releases.resolve(order.model)
    manifest = release.manifest
    check_generate(order, manifest.image, form, settings)
    inputs = draw_inputs(manifest, order, request_seeds(order))
    generated = await service.engine.generate(release.generator, inputs)
    started = time.perf_counter()
    content = await asyncio.to_thread(
        encode_images,
        generated.images,
        form,
        seeds=inputs.seeds,
        reference=manifest.reference,
        columns=order.columns,
        padding=order.padding,
        scale=order.scale,
    )
    return picture_response(
        content,
        media_type=MEDIA_TYPES[form],
        reference=manifest.reference,
        seeds=inputs.seeds,
        generated=generated,
        encode_s=time.perf_counter() - started,
    )

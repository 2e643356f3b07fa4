"""`POST /latent-walk`: a way through latent space, frame by frame."""

import asyncio
import time

from fastapi import APIRouter, Request, Response

from service.animation import MEDIA_TYPES, encode_walk
from service.bodies import read_body
from service.context import context_of
from service.disconnection import unless_gone
from service.entity_tags import tag_answer
from service.inputs import draw_inputs, walk_inputs
from service.limits import check_walk
from service.negotiation import choose_format
from service.responses import picture_response
from service.routes.description import describe_operation
from service.schemas import WalkRequest

router = APIRouter()
DESCRIPTION = describe_operation(
    "Walk between key points: by default a PNG filmstrip of 60 frames.", WalkRequest, MEDIA_TYPES.values()
)


async def latent_walk(request: Request) -> Response:
    """Read, negotiate, walk, answer."""
    service = context_of(request)
    settings = service.settings
    order = await read_body(request, WalkRequest, max_bytes=settings.max_body_bytes)
    form = choose_format(order.format, request.headers.get("accept"), MEDIA_TYPES)
    release = await service.releases.resolve(order.model)
    manifest = release.manifest
    check_walk(order, manifest.image, form, settings)
    keys = draw_inputs(manifest, order, order.seeds)
    service.engine.check_room(order.frames)
    service.rates.take(order.frames)
    walked = walk_inputs(keys, order)
    generated = await unless_gone(request.receive, service.engine.generate(release.generator, walked))
    started = time.perf_counter()
    content = await asyncio.to_thread(encode_walk, generated.images, form, scale=order.scale)
    return picture_response(
        content,
        media_type=MEDIA_TYPES[form],
        reference=manifest.reference,
        seeds=keys.seeds,
        generated=generated,
        encode_s=time.perf_counter() - started,
        tag=tag_answer(manifest, settings.precision, walked, format=form, scale=order.scale),
    )


router.add_route("/latent-walk", latent_walk, methods=["POST"])

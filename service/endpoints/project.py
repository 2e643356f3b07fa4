"""`POST /project`: pictures in; out where they are in a model's latent space, and what is drawn there."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response
from starlette.types import Receive

from foundation.errors import DeadlineExceeded, UnsupportedPicture
from service.encoding.pictures import MEDIA_TYPES as PICTURE_MEDIA_TYPES
from service.endpoints.answer_schemas import ProjectedImages
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.endpoints.generate import tag_pictures
from service.endpoints.projection_work import find_and_draw
from service.endpoints.upload import Upload
from service.http.disconnection import unless_gone
from service.http.queries import read_number, read_text
from service.http.responses import picture_response
from service.requests.photos import explain_format, find_format
from service.requests.projection import ProjectRequest

MEDIA_TYPES = {"json": "application/json"} | PICTURE_MEDIA_TYPES
_JSON_BEGINS = b"{["
_EXAMPLE_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIBAMAAAA2IaO4AAAAGFBMVEXY2GR+2KAk2GS0frgkfqDYJGR+JKAkJGTjr+T3AAAA"
    "M0lEQVR42gEoANf/AXcA3gACAO8RAAL94P3gAgD90AAD6hD4/AQAzgIdAv4A/tACABHvADlWD5b/uhcDAAAAAElFTkSuQmCC"
)
"""A picture of 8×8 pixels, for /docs."""


async def answer_project(
    context: Context, receive: Receive, request: ProjectRequest, format: str
) -> Response:
    """Where the pictures of `request` are, and what is drawn there, in the format `format`.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`, and `NoProjection`.
    """
    began = time.perf_counter()
    limit_s = context.settings.request_timeout_s
    try:
        async with asyncio.timeout(limit_s) as limit:
            plan, holding, projected, generated = await unless_gone(
                receive, find_and_draw(context, request, format, limit)
            )
    except TimeoutError:
        raise DeadlineExceeded(f"The projection was not ready within {limit_s:g} s.") from None
    manifest = plan.release.manifest
    context.metrics.observe_answer(format, projected.queue_s, generated.encode_s)
    context.metrics.observe_projection(
        manifest.name, manifest.version, len(request.pictures), time.perf_counter() - began
    )
    shape = {"projection": [plan.steps, *projected.distances.tolist()]} if format == "json" else {}
    return picture_response(
        generated.content,
        media_type=MEDIA_TYPES[format],
        reference=manifest.reference,
        seeds=None,
        generated=replace(
            generated,
            queue_s=generated.queue_s + projected.queue_s,
            inference_s=generated.inference_s + projected.inference_s,
        ),
        encode_s=generated.encode_s,
        tag=tag_pictures(plan.release, projected.inputs, plan.drawing, format, **shape),
        holding=holding,
    )


def take_photo(content: bytes, media_type: str) -> Mapping[str, object] | None:
    """The fields of a body that is a picture, told by its first bytes; None of one that is JSON.

    Raises:
        UnsupportedPicture: it is neither.
    """
    if find_format(content) is not None:
        return {"pictures": [content]}
    begins = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not content or media_type == "application/json" or (begins and begins in _JSON_BEGINS):
        return None
    raise UnsupportedPicture("pictures.0", explain_format(content))


ENDPOINT = Endpoint(
    path="/project",
    operation_id="project",
    summary="Find pictures in a model's latent space: by default JSON of the latents, and what they draw.",
    schema=ProjectRequest,
    media_types=MEDIA_TYPES,
    answer=answer_project,
    example={"pictures": [_EXAMPLE_PNG]},
    required=True,
    upload=Upload(
        readers={
            "model": read_text,
            "version": read_text,
            "label": read_text,
            "steps": read_number,
            "scale": read_number,
            "format": read_text,
        },
        take=take_photo,
    ),
    json_answer=ProjectedImages,
    problems=(409,),
)

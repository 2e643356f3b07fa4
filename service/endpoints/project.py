"""`POST /project`: pictures in; out where they are in a model's latent space, and what is drawn there."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.types import Receive

from foundation.errors import DeadlineExceeded, InvalidField, UnsupportedPicture
from foundation.images import Images
from foundation.labels import Weights
from foundation.pictures.development import scale_pixels
from service.encoding.pictures import MEDIA_TYPES as PICTURE_MEDIA_TYPES
from service.encoding.pictures import encode_images
from service.encoding.projections import encode_projection
from service.endpoints.answer_schemas import ProjectedImages
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.endpoints.generate import tag_pictures
from service.endpoints.upload import Upload
from service.engine.budget import Holding
from service.engine.costs import pictures_bytes, projection_bytes
from service.engine.jobs import Generated
from service.engine.projections import Projected, list_decimals, project, projection_images
from service.engine.projector import Projector
from service.http.disconnection import unless_gone
from service.http.queries import read_number, read_text
from service.http.requesters import current_requester
from service.http.responses import picture_response
from service.releases.opening import Release
from service.requests.limits import check_generate
from service.requests.photos import (
    explain_format,
    find_format,
    measure_photos,
    read_photos,
)
from service.requests.projection import ProjectRequest
from service.requests.recipes import describe_provenance
from service.requests.request_inputs import weigh_labels
from service.requests.schemas import GenerateRequest

MEDIA_TYPES = {"json": "application/json"} | PICTURE_MEDIA_TYPES
_JSON_BEGINS = b"{["
_OPENING_SHARE = 0.9
"""Of a request's time: who waited so long for an encoder is told that, and when to come again."""
_EXAMPLE_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIBAMAAAA2IaO4AAAAGFBMVEXY2GR+2KAk2GS0frgkfqDYJGR+JKAkJGTjr+T3AAAA"
    "M0lEQVR42gEoANf/AXcA3gACAO8RAAL94P3gAgD90AAD6hD4/AQAzgIdAv4A/tACABHvADlWD5b/uhcDAAAAAElFTkSuQmCC"
)
"""A picture of 8×8 pixels, for /docs."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a request for projections comes to with its release."""

    release: Release
    projector: Projector
    steps: int
    labels: Weights | None
    drawing: GenerateRequest
    """How what is found is laid out."""
    cost: int
    """In drawings."""
    pixels: int
    """Of the grid."""


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
        async with asyncio.timeout(limit_s):
            plan, holding, projected, generated = await unless_gone(receive, _work(context, request, format))
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


async def _work(
    context: Context, request: ProjectRequest, format: str
) -> tuple[_Plan, Holding, Projected, Generated]:
    """All that is done for an answer; of it its bytes are held on."""
    photos = sum(map(len, request.pictures))
    # while the encoder is opened, and they are measured
    with context.budget.hold(photos, current_requester()) as holding:
        plan = await _plan(context, request, format)
        size = await _measure(context, plan, request, format, holding)
    holding = await context.accept(plan.cost, size)
    try:
        return plan, holding, *await _find(context, plan, request, format, holding)
    except BaseException as error:
        holding.release()
        if isinstance(error, InvalidField):  # such as a damaged file: what is wrong costs a key nothing
            await context.rates.give_back(plan.cost)
        raise


async def _plan(context: Context, request: ProjectRequest, format: str) -> _Plan:
    """Hold `request` against every limit that needs no look at its pictures."""
    settings = context.settings
    release = await context.releases.resolve(request.reference)
    manifest, wanted = release.manifest, release.projection.settings
    steps, count = wanted.steps if request.steps is None else request.steps, len(request.pictures)
    cost = projection_images(count, steps)
    if cost > settings.max_images_per_request:
        raise InvalidField(
            "pictures" if projection_images(1, steps) <= settings.max_images_per_request else "steps",
            f"finding {count:,} in {steps:,} steps costs as much as drawing {cost:,} images; one request may "
            f"have {settings.max_images_per_request:,}. Send fewer, or ask for fewer steps",
        )
    labels = None
    if request.label is not None or request.labels is not None:
        labels = weigh_labels(manifest, request, None, count)
    drawing = GenerateRequest(
        latents=((0.0,),) * count, columns=request.columns, padding=request.padding, scale=request.scale
    )
    pixels = check_generate(drawing, manifest.image, format, settings)
    projector = await release.projection.get(
        context.releases.projecting, _OPENING_SHARE * settings.request_timeout_s
    )
    return _Plan(release, projector, steps, labels, drawing, cost, pixels)


async def _measure(
    context: Context, plan: _Plan, request: ProjectRequest, format: str, holding: Holding
) -> int:
    """The bytes that `request` costs; its pictures are measured, and none is decoded."""
    settings, image = context.settings, plan.release.manifest.image
    frame = plan.release.projection.frame
    count, photos = len(request.pictures), sum(map(len, request.pictures))

    def measure() -> int:
        with holding.used():
            return measure_photos(
                request.pictures,
                frame,
                max_pixels=settings.max_picture_pixels,
                max_bytes=settings.max_bytes_in_flight,
            )

    reading = await context.photos.run(measure)
    return projection_bytes(count, image, photos, reading) + pictures_bytes(count, plan.pixels, image, format)


async def _find(
    context: Context, plan: _Plan, request: ProjectRequest, format: str, holding: Holding
) -> tuple[Projected, Generated]:
    release, frame = plan.release, plan.release.projection.frame

    def read() -> Images:
        with holding.used():
            return read_photos(request.pictures, frame)

    with context.engine.admit(plan.cost, holding.requester) as admission:
        pictures = scale_pixels(await context.photos.run(read))
        projected = await project(
            context.engine, plan.projector, pictures, plan.labels, steps=plan.steps, admission=admission
        )

        def encode(images: Images, labels: Weights | None) -> bytes:
            with holding.used():
                return _encode(plan, projected, format, images, labels)

        generated = await context.engine.generate(
            release.generator, projected.inputs, encode=encode, admission=admission
        )
    return projected, generated


def _encode(plan: _Plan, projected: Projected, format: str, images: Images, labels: Weights | None) -> bytes:
    """The answer's content: pictures as `/generate` writes them for the same latents, or JSON of them."""
    manifest, drawing = plan.release.manifest, plan.drawing
    provenance = describe_provenance(manifest, drawing, None, labels)
    if format != "json":
        return encode_images(
            images,
            format,
            provenance,
            columns=drawing.columns,
            padding=drawing.padding,
            scale=drawing.scale,
        )
    return encode_projection(
        images,
        provenance,
        scale=drawing.scale,
        steps=plan.steps,
        latents=list_decimals(projected.inputs.latents),
        distances=projected.distances.tolist(),
        classes=None if manifest.label is None else manifest.label.classes,
        labels=projected.labels,
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

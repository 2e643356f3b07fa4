"""The work of `POST /project`: its pictures held against the limits, read, found, and drawn again."""

import asyncio
from dataclasses import dataclass

from foundation.errors import InvalidField
from foundation.images import Images
from foundation.labels import Weights
from foundation.pictures.development import scale_pixels
from service.encoding.pictures import encode_images
from service.encoding.projections import encode_projection
from service.endpoints.context import Context
from service.engine.budget import Holding
from service.engine.costs import pictures_bytes, projection_bytes
from service.engine.jobs import Generated
from service.engine.projections import Projected, list_decimals, project, projection_images
from service.engine.projector import Projector
from service.http.requesters import current_requester
from service.releases.opening import Release
from service.requests.limits import check_generate
from service.requests.photos import measure_photos, read_photos
from service.requests.projection import ProjectRequest
from service.requests.recipes import describe_provenance, read_layout
from service.requests.request_inputs import weigh_labels
from service.requests.schemas import GenerateRequest

_OPENING_SHARE = 0.9
"""Of a request's time: who waited so long for an encoder is told that, and when to come again."""


@dataclass(frozen=True, slots=True)
class ProjectionPlan:
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


async def find_and_draw(
    context: Context, request: ProjectRequest, format: str, limit: asyncio.Timeout
) -> tuple[ProjectionPlan, Holding, Projected, Generated]:
    """All that is done for an answer to `request` in the format `format`; of it its bytes are held on.

    `limit` is what the caller does it within.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`, and `NoProjection`.
    """
    photos = sum(map(len, request.pictures))
    # while the encoder is opened, and they are measured
    with context.budget.hold(photos, current_requester()) as holding:
        plan = await _plan(context, request, format)
        size = await _measure(context, plan, request, format, holding)
    holding = await context.accept(plan.cost, size)
    try:
        return plan, holding, *await _find(context, plan, request, format, holding, limit)
    except BaseException as error:
        holding.release()
        if isinstance(error, InvalidField):  # such as a damaged file: what is wrong costs a key nothing
            await context.rates.give_back(plan.cost)
        raise


async def _plan(context: Context, request: ProjectRequest, format: str) -> ProjectionPlan:
    """Hold `request` against every limit that needs no look at its pictures."""
    settings = context.settings
    release = await context.releases.resolve(request.reference)
    manifest, wanted = release.manifest, release.projection.settings
    steps, count = wanted.steps_taken if request.steps is None else request.steps, len(request.pictures)
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
    return ProjectionPlan(release, projector, steps, labels, drawing, cost, pixels)


async def _measure(
    context: Context, plan: ProjectionPlan, request: ProjectRequest, format: str, holding: Holding
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
    context: Context,
    plan: ProjectionPlan,
    request: ProjectRequest,
    format: str,
    holding: Holding,
    limit: asyncio.Timeout,
) -> tuple[Projected, Generated]:
    release, frame = plan.release, plan.release.projection.frame

    def read() -> Images:
        with holding.used():
            return read_photos(request.pictures, frame)

    with context.engine.admit(plan.cost, holding.requester, limit) as admission:
        pictures = scale_pixels(await context.photos.run(read))
        projected = await project(
            context.engine, plan.projector, pictures, plan.labels, steps=plan.steps, admission=admission
        )

        def encode(images: Images, labels: Weights | None) -> bytes:
            with holding.used():
                return _encode(plan, projected, format, images, labels)

        generated = await context.engine.generate(
            release.generator, projected.inputs, encode=encode, pixels=plan.pixels, admission=admission
        )
    return projected, generated


def _encode(
    plan: ProjectionPlan, projected: Projected, format: str, images: Images, labels: Weights | None
) -> bytes:
    """The answer's content: pictures as `/generate` writes them for the same latents, or JSON of them."""
    manifest, drawing = plan.release.manifest, plan.drawing
    provenance = describe_provenance(manifest, drawing, None, labels)
    if format != "json":
        return encode_images(images, format, provenance, read_layout(drawing))
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

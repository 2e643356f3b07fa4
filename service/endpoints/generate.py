"""`POST /generate`: seeds or latents in, pictures out, whichever door they are asked for at."""

from collections.abc import Mapping
from functools import partial

from starlette.responses import Response
from starlette.types import Receive

from foundation.errors import InvalidField
from foundation.images import Images
from foundation.labels import Weights
from service.encoding.pictures import MEDIA_TYPES, encode_images
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.engine.budget import Holding
from service.engine.costs import pictures_bytes
from service.engine.jobs import Encode, Generated
from service.http.disconnection import unless_gone
from service.http.entity_tags import matches, tag_answer
from service.http.responses import not_modified, picture_response
from service.http.worked import note_work
from service.releases.lookup import Release
from service.requests.directions import steer
from service.requests.inputs import Inputs
from service.requests.limits import check_generate
from service.requests.recipes import describe_provenance, describe_recipe, read_layout
from service.requests.request_inputs import count_numbers, read_inputs, request_count, request_seeds
from service.requests.schemas import GenerateRequest


async def answer_generate(
    context: Context,
    receive: Receive,
    request: GenerateRequest,
    format: str,
    *,
    release: Release | None = None,
    headers: Mapping[str, str] | None = None,
    if_none_match: str | None = None,
) -> Response:
    """The pictures of `request` in the format `format`, or 304 where `if_none_match` holds their tag.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    holding: Holding | None = None
    try:
        if if_none_match is None:
            release, inputs, pixels, holding = await accept_generate(
                context, request, format, release=release
            )
            tag = tag_pictures(release, inputs, request, format)
        else:  # where nothing may have changed, no room is needed yet, and none of the key's rate
            release, inputs, pixels = await prepare_generate(context, request, format, release=release)
            tag = tag_pictures(release, inputs, request, format)
            if matches(tag, if_none_match):
                return not_modified(tag, headers)
            size = pictures_bytes(len(inputs), pixels, release.manifest.image, format)
            holding = await context.accept(len(inputs), size)
        generated: Generated = await unless_gone(
            receive,
            context.engine.generate(
                release.generator,
                inputs,
                encode=_encoding(release, request, inputs, format, holding),
                pixels=pixels,
                flight=tag,
                requester=holding.requester,
            ),
        )
        context.metrics.observe_answer(format, generated.queue_s, generated.encode_s)
        note_work(len(inputs), pixels, generated.work_s)
        context.shadowing.offer(release, request, inputs.seeds)
        return picture_response(
            generated.content,
            media_type=MEDIA_TYPES[format],
            reference=release.manifest.reference,
            seeds=inputs.seeds,
            generated=generated,
            encode_s=generated.encode_s,
            tag=tag,
            holding=holding,
            headers=headers,
        )
    except BaseException:  # else the response lets go of it
        if holding is not None:
            holding.release()
        raise


def _encoding(
    release: Release, request: GenerateRequest, inputs: Inputs, format: str, holding: Holding
) -> Encode:
    """What writes the answer, in a thread, and holds its bytes until it has."""
    layout = read_layout(request)

    def encode(images: Images, labels: Weights | None) -> bytes:
        provenance = describe_provenance(release.manifest, request, inputs.seeds, labels)
        with holding.used():
            return encode_images(images, format, provenance, layout)

    return encode


async def accept_generate(
    context: Context, request: GenerateRequest, format: str, *, release: Release | None = None
) -> tuple[Release, Inputs, int, Holding]:
    """Hold `request` against every limit, and take room for it.

    Its release, if not given already, its inputs, the grid's pixels, and what it holds until it is answered.

    Raises:
        GanymedeError: any of the refusals in `foundation.errors`.
    """
    release = release or await context.releases.resolve(request.model)
    image, count = release.manifest.image, request_count(request)
    pixels = check_generate(request, image, format, context.settings)
    holding = await context.accept(count, pictures_bytes(count, pixels, image, format))
    try:
        inputs = await _read_inputs(context, release, request)
    except BaseException as error:
        holding.release()
        if isinstance(error, InvalidField):  # such as a label: what is wrong costs a key nothing
            await context.rates.give_back(count)
        raise
    return release, inputs, pixels, holding


async def prepare_generate(
    context: Context, request: GenerateRequest, format: str, *, release: Release | None = None
) -> tuple[Release, Inputs, int]:
    """The same, but room and rate are left to the caller: `Context.accept`."""
    release = release or await context.releases.resolve(request.model)
    pixels = check_generate(request, release.manifest.image, format, context.settings)
    return release, await _read_inputs(context, release, request), pixels


def tag_pictures(
    release: Release, inputs: Inputs, request: GenerateRequest, format: str, **shape: object
) -> str:
    """The entity tag of the pictures of `inputs`, laid out as `request` says, and of `shape` beside them."""
    return tag_answer(
        release,
        inputs,
        format=format,
        columns=request.columns,
        padding=request.padding,
        scale=request.scale,
        truncation=request.truncation,
        recipe=describe_recipe(request),
        **shape,
    )


async def _read_inputs(context: Context, release: Release, request: GenerateRequest) -> Inputs:
    read = partial(read_inputs, release.manifest, request, request_seeds(request))
    inputs = await context.bodies.convert(count_numbers(request), read)
    if not request.directions:
        return inputs
    return steer(inputs.draw(release.manifest), await release.directions.get(), request.directions)


ENDPOINT = Endpoint(
    path="/generate",
    operation_id="generate",
    summary="Generate pictures: by default a PNG grid of 16 at random.",
    schema=GenerateRequest,
    media_types=MEDIA_TYPES,
    answer=answer_generate,
    example={"seed": 7, "count": 4, "columns": 2, "scale": 4},
)

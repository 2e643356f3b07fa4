"""Answering a request for pictures, whichever door it came in by."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response
from starlette.types import Receive

from service.context import Context
from service.directions import steer
from service.disconnection import unless_gone
from service.entity_tags import matches, tag_answer
from service.generator import Images
from service.images import MEDIA_TYPES, encode_images
from service.inputs import draw_inputs, request_count, request_seeds
from service.jobs import Generated
from service.labels import Weights, name_labels
from service.limits import check_generate
from service.manifest import Manifest
from service.provenance import Provenance, describe_recipe
from service.releases import Release
from service.responses import not_modified, picture_response
from service.rows import AnyInputs, SeededInputs
from service.schemas import GenerateRequest

_SMALL_PIXELS = 2**16
"""A millisecond of PNG, three of WebP."""


async def answer_generate(
    context: Context,
    receive: Receive,
    order: GenerateRequest,
    form: str,
    *,
    release: Release | None = None,
    headers: Mapping[str, str] | None = None,
    if_none_match: str | None = None,
) -> Response:
    """The pictures of `order` in the format `form`, or 304 where `if_none_match` holds their tag.

    Raises:
        GanymedeError: any of the refusals in `service.errors`.
    """
    # Where nothing may have changed, no room is needed yet, and none of the key's rate.
    known = if_none_match is not None
    release, inputs, pixels = await accept_order(context, order, form, release=release, at_once=not known)
    manifest = release.manifest
    recipe = describe_recipe(order)
    tag = tag_answer(
        manifest,
        release.generator.precision,
        inputs,
        format=form,
        columns=order.columns,
        padding=order.padding,
        scale=order.scale,
        truncation=order.truncation,
        recipe=recipe,
    )
    if matches(tag, if_none_match):
        return not_modified(tag, headers)
    if known:
        context.accept_images(len(inputs))

    def encode(images: Images, labels: Weights | None) -> bytes:
        provenance = describe_provenance(manifest, inputs.seeds, labels, order.truncation)
        if recipe:
            provenance = replace(provenance, recipe=recipe)
        return encode_images(
            images, form, provenance, columns=order.columns, padding=order.padding, scale=order.scale
        )

    small = pixels <= _SMALL_PIXELS
    generated: Generated = await unless_gone(
        receive, context.engine.generate(release.generator, inputs, encode=encode, small=small, flight=tag)
    )
    context.metrics.observe_answer(form, generated.queue_s, generated.encode_s)
    return picture_response(
        generated.content,
        media_type=MEDIA_TYPES[form],
        reference=manifest.reference,
        seeds=inputs.seeds,
        generated=generated,
        encode_s=generated.encode_s,
        tag=tag,
        headers=headers,
    )


async def accept_order(
    context: Context,
    order: GenerateRequest,
    form: str,
    *,
    release: Release | None = None,
    at_once: bool = True,
) -> tuple[Release, AnyInputs, int]:
    """Hold `order` against every limit; its release, if not given already, its inputs and the grid's pixels.

    Unless `at_once`, room and rate are left to the caller: `Context.accept_images`.

    Raises:
        GanymedeError: any of the refusals in `service.errors`.
    """
    release = release or await context.releases.resolve(order.model)
    pixels = check_generate(order, release.manifest.image, form, context.settings)
    if at_once:
        context.accept_images(request_count(order))
    return release, await _read_inputs(release, order), pixels


async def _read_inputs(release: Release, order: GenerateRequest) -> AnyInputs:
    seeds = request_seeds(order)
    if seeds is not None and order.label is None and order.labels is None and not order.directions:
        return SeededInputs(seeds, order.truncation)
    inputs = draw_inputs(release.manifest, order, seeds)
    if order.directions:
        inputs = steer(inputs, await release.directions.get(), order.directions)
    return inputs


def describe_provenance(
    manifest: Manifest, seeds: Sequence[int] | None, labels: Weights | None, truncation: float
) -> Provenance:
    """How images of `seeds` come about, with the weights float32 (n, classes) of their classes if any."""
    classes = manifest.label
    names = None if classes is None or labels is None else name_labels(labels, classes)
    return Provenance(manifest.reference, seeds, names, truncation)

"""`POST /average`: one picture, the mean of the pictures of some seeds. An endpoint for the tests alone."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Receive

from foundation.images import Images
from foundation.labels import Weights
from service.encoding.pictures import encode_image
from service.endpoints.context import Context
from service.endpoints.endpoint import Endpoint
from service.endpoints.generate import accept_generate
from service.http.entity_tags import tag_answer
from service.http.responses import picture_response
from service.requests.schemas import GenerateRequest, Seed

MEDIA_TYPES = {"png": "image/png", "webp": "image/webp"}


class AverageRequest(BaseModel):
    """The seeds whose pictures are averaged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    seeds: tuple[Seed, ...] = Field(min_length=2, max_length=64)
    format: Literal["png", "webp"] | None = None


async def answer_average(
    context: Context, receive: Receive, request: AverageRequest, format: str
) -> Response:
    """The mean of the pictures of `request`."""
    pictures = GenerateRequest(model=request.model, seeds=request.seeds)
    release, inputs, _, holding = await accept_generate(context, pictures, "png")

    def encode(images: Images, _labels: Weights | None) -> bytes:
        return encode_image(images.mean(axis=0).round().astype(np.uint8), format)

    generated = await context.engine.generate(
        release.generator, inputs, encode=encode, requester=holding.requester
    )
    return picture_response(
        generated.content,
        media_type=MEDIA_TYPES[format],
        reference=release.manifest.reference,
        seeds=request.seeds,
        generated=generated,
        encode_s=generated.encode_s,
        tag=tag_answer(release, inputs, format=format, average=True),
        holding=holding,
    )


ENDPOINT = Endpoint(
    path="/average",
    operation_id="average",
    summary="The mean of some pictures.",
    schema=AverageRequest,
    media_types=MEDIA_TYPES,
    answer=answer_average,
    example={"seeds": [1, 2]},
    required=True,
)

"""`GET /images/{model}/{seed}.png`: one image, at an address that caches can keep for ever."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import ValidationError, WithJsonSchema

from foundation.errors import InvalidField
from foundation.latents import SEED_LIMIT
from foundation.store import parse_reference
from service.endpoints.context import AppContext
from service.endpoints.description import PICTURE_HEADERS, describe_content
from service.endpoints.generate import answer_generate
from service.endpoints.problem_responses import Responses, describe_problems, refer_to_headers
from service.http.bodies import explain
from service.http.negotiation import label_octets
from service.http.queries import read_fields, read_number, read_text
from service.requests.schemas import GenerateRequest

router = APIRouter(tags=["pictures"])
_READERS = {"label": read_text, "truncation": read_number, "scale": read_number}
FOR_EVER = "public, max-age=31536000, immutable"

# What is read here is text, and checked as a body's fields are; these say what the text must be.
_SEED: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": SEED_LIMIT - 1}
_TRUNCATION: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1.0}
_SCALE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 64, "default": 1}
_RESPONSES: Responses = {
    200: {"content": describe_content(["image/png"]), "headers": refer_to_headers(PICTURE_HEADERS)},
    304: {"description": "The client has it already.", "headers": refer_to_headers(("ETag",))},
    **describe_problems(404, 422, 429, 503, 504),
}


@router.get(
    "/images/{model}/{seed}.png",
    response_class=Response,
    operation_id="show_image",
    responses=_RESPONSES,
)
async def show_image(
    http_request: Request,
    context: AppContext,
    model: Annotated[str, Path(description="`MODEL`, `MODEL@ALIAS` or `MODEL@VERSION`.")],
    seed: Annotated[str, WithJsonSchema(_SEED), Path(description="The image's seed.")],
    label: Annotated[
        str | None, WithJsonSchema({"type": "string"}), Query(description="A class's name or index.")
    ] = None,
    truncation: Annotated[str | None, WithJsonSchema(_TRUNCATION), Query(description="ψ in (0, 1].")] = None,
    scale: Annotated[
        str | None, WithJsonSchema(_SCALE), Query(description="Whole-number enlargement.")
    ] = None,
    if_none_match: Annotated[str | None, WithJsonSchema({"type": "string"}), Header()] = None,
) -> Response:
    """One image. With a version named it never changes, and may be kept for ever.

    What a cache kept stays valid. Servers on other processors may answer a version whose `arithmetic` is
    `float` with levels that are rounded otherwise, under a tag of their own.

    Where keys are wanted, an address that `ganymede sign-url` has signed (`expires`, `signature`) needs none
    until its time is over; then, and where it was changed, the answer is 403.
    """
    del label, truncation, scale  # described here; the query is read whole, so that nothing else is in it
    request = _read_request(model, seed, http_request)
    release = await context.releases.resolve(model)
    named_version = parse_reference(model).selector == release.manifest.version
    response = await answer_generate(
        context,
        http_request.receive,
        request,
        "png",
        release=release,
        headers={"Cache-Control": FOR_EVER if named_version else "no-cache"},
        if_none_match=if_none_match,
    )
    return label_octets(response, http_request.headers.get("accept"))


def _read_request(model: str, seed: str, http_request: Request) -> GenerateRequest:
    fields = read_fields(http_request.query_params.multi_items(), _READERS)
    try:
        return GenerateRequest.model_validate({"model": model, "seeds": [read_number(seed)], **fields})
    except ValidationError as error:
        wrong = explain(error)
        if (
            isinstance(wrong, InvalidField) and wrong.field == "seeds.0"
        ):  # in an address there is one, and it is no list's
            wrong = InvalidField("seed", wrong.reason)
        raise wrong from None

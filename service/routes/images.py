"""`GET /images/{model}/{seed}.png`: one image, at an address that caches can keep for ever."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import ValidationError

from service.bodies import explain
from service.context import Service
from service.errors import InvalidField
from service.pictures import answer_generate
from service.schemas import GenerateRequest
from service.store import parse_reference

router = APIRouter(tags=["pictures"])
_FIELDS = frozenset({"label", "truncation", "scale"})
_MAX_DIGITS = 20
"""Of a whole number; one with more is beyond every limit, and Python does not read one of 5,000."""
FOR_EVER = "public, max-age=31536000, immutable"


@router.get(
    "/images/{model}/{seed}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, 304: {"description": "The client has it already."}},
)
async def show_image(
    request: Request,
    service: Service,
    model: Annotated[str, Path(description="`MODEL`, `MODEL@ALIAS` or `MODEL@VERSION`.")],
    seed: str,
    label: Annotated[str | None, Query(description="A class's name or index.")] = None,
    truncation: Annotated[str, Query(description="ψ in (0, 1].")] = "1",
    scale: Annotated[str, Query(description="Whole-number enlargement.")] = "1",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """One image. With a version named it never changes, and may be kept for ever."""
    for name, given in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in _FIELDS:
            raise InvalidField(name, "there is no such field; see /docs")
        if given > 1:
            raise InvalidField(name, f"give it once, not {given} times")
    order = _read_order(model, seed, label, truncation, scale)
    release = await service.releases.resolve(model)
    named_version = parse_reference(model).selector == release.manifest.version
    return await answer_generate(
        service,
        request.receive,
        order,
        "png",
        release=release,
        headers={"Cache-Control": FOR_EVER if named_version else "no-cache"},
        if_none_match=if_none_match,
    )


def _read_order(model: str, seed: str, label: str | None, truncation: str, scale: str) -> GenerateRequest:
    fields = {
        "model": model,
        "seeds": [_number(seed)],
        "label": None if label is None else _number(label),
        "truncation": truncation,
        "scale": scale,
    }
    try:
        return GenerateRequest.model_validate(fields)
    except ValidationError as error:
        raise explain(error) from None


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else text

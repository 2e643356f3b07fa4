"""Reading a request's body: bounded, then parsed by its schema."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.errors import BodyTooLarge, InvalidField, MalformedRequest

_CLASSES: dict[int | str, int] = {"label": 1, "labels": 2}
"""The fields that take a class in several types, and how many parts the address of one class has."""

Schema = TypeVar("Schema", bound=BaseModel)


async def read_body(request: Request, schema: type[Schema], *, max_bytes: int) -> Schema:
    """The request's JSON body as `schema`; no body at all means `{}`. The Content-Type does not matter.

    Raises:
        BodyTooLarge: it has more than `max_bytes`.
        MalformedRequest: it is not a JSON object.
        InvalidField: a field is unknown, or breaks its limit.
    """
    return parse_body(await read_content(request, max_bytes=max_bytes) or b"{}", schema)


async def read_content(request: Request, *, max_bytes: int) -> bytes:
    """The request's body as it came.

    Raises:
        BodyTooLarge: it has more than `max_bytes`.
    """
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(content)


def parse_body(content: bytes, schema: type[Schema]) -> Schema:
    """JSON text as `schema`; see `read_body` for what it raises."""
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        raise explain(error.errors(include_url=False)[0]) from None


def explain(error: ErrorDetails) -> MalformedRequest | InvalidField:
    """A sentence for what pydantic found."""
    message = error["msg"]
    if error["type"] == "json_invalid":
        return MalformedRequest(f"The body is not JSON: {message.removeprefix('Invalid JSON: ')}.")
    if error["type"] in ("model_type", "model_attributes_type") and not error["loc"]:
        return MalformedRequest('The body must be a JSON object, such as {} or {"seed": 7}.')
    place = error["loc"]
    if place and place[0] in _CLASSES and len(place) > _CLASSES[place[0]]:
        place = place[: _CLASSES[place[0]]]  # what follows is a type that pydantic tried
        message = "a class is its name, its index, or a list with a weight for every class"
    field = ".".join(str(part) for part in place if part not in ("float", "int"))
    if error["type"] == "extra_forbidden":
        message = "there is no such field; see /docs"
    field = field or error.get("ctx", {}).get("field", "body")
    return InvalidField(field, message[:1].lower() + message[1:])


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than the {max_bytes:,} bytes that are read.")

"""What /docs and /openapi.json say of endpoints that read their body themselves."""

from collections.abc import Iterable
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from service.problems import MEDIA_TYPE as PROBLEM


def describe_operation(body: type[BaseModel], media_types: Iterable[str]) -> dict[str, Any]:
    """Keyword arguments for a route that reads `body` and answers in any of `media_types`."""
    problem = {"content": {PROBLEM: {"schema": {"type": "object"}}}}
    return {
        "response_class": Response,
        "responses": {
            200: {
                "description": "The pictures.",
                "content": {media: {"schema": _schema_of(media)} for media in media_types},
            },
            400: {"description": "The body is not a JSON object.", **problem},
            404: {"description": "No such model.", **problem},
            406: {"description": "`Accept` allows no format that can be made.", **problem},
            413: {"description": "The body is too large.", **problem},
            422: {"description": "A field is wrong; `field` names it.", **problem},
            503: {"description": "Not ready, draining, or too many images waiting.", **problem},
            504: {"description": "Not ready within the time limit.", **problem},
        },
        "openapi_extra": {
            "requestBody": {"content": {"application/json": {"schema": body.model_json_schema()}}}
        },
    }


def _schema_of(media_type: str) -> dict[str, str]:
    if media_type == "application/json":
        return {"type": "object"}
    return {"type": "string", "format": "binary"}

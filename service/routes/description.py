"""What /docs and /openapi.json say of endpoints that read their body themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.problems import MEDIA_TYPE as PROBLEM

_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user; the key is the password."},
}


def describe_operation(
    summary: str, body: type[BaseModel], media_types: Iterable[str], *, tag: str = "pictures"
) -> dict[str, Any]:
    """The OpenAPI operation of a POST that reads `body` and answers in any of `media_types`."""
    problem = {"content": {PROBLEM: {"schema": {"type": "object"}}}}
    return {
        "summary": summary,
        "tags": [tag],
        "requestBody": {"content": {"application/json": {"schema": body.model_json_schema()}}},
        "responses": {
            "200": {
                "description": "The pictures.",
                "content": {media: {"schema": _schema_of(media)} for media in media_types},
            },
            "400": {"description": "The body is not a JSON object.", **problem},
            "404": {"description": "No such model.", **problem},
            "406": {"description": "`Accept` allows no format that can be made.", **problem},
            "413": {"description": "The body is too large.", **problem},
            "422": {"description": "A field is wrong; `field` names it.", **problem},
            "503": {"description": "Not ready, draining, or too many images waiting.", **problem},
            "504": {"description": "Not ready within the time limit.", **problem},
        },
    }


def add_descriptions(app: FastAPI, operations: Mapping[str, Mapping[str, Any]], *, keys: bool) -> None:
    """Put POST `operations`, by path, in front of what FastAPI itself knows of `app`.

    With `keys` it says how a request carries its API key.
    """
    generate = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            described = {path: {"post": operation} for path, operation in operations.items()}
            schema["paths"] = described | schema["paths"]
            if keys:
                schema.setdefault("components", {})["securitySchemes"] = _SECURITY_SCHEMES
                schema["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        return app.openapi_schema or {}

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way of extending it


def _schema_of(media_type: str) -> dict[str, str]:
    if media_type == "application/json":
        return {"type": "object"}
    return {"type": "string", "format": "binary"}

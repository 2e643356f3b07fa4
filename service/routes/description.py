"""What /docs and /openapi.json say of endpoints that read their body themselves."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.problems import MEDIA_TYPE as PROBLEM

_PROBLEM = {"content": {PROBLEM: {"schema": {"type": "object"}}}}
_WRONG_FIELD = {"description": "A field is wrong; `field` names it.", **_PROBLEM}
_ANY_PROBLEM = {"description": "Any other error: `code` is stable, `detail` is for people.", **_PROBLEM}
_KEY_PROBLEMS = {
    "401": {"description": "The service wants an API key.", **_PROBLEM},
    "403": {"description": "It does not know this one.", **_PROBLEM},
    "429": {"description": "Over this key's rate; `Retry-After` says when to ask again.", **_PROBLEM},
}
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user; the key is the password."},
}


def describe_operation(
    summary: str, body: type[BaseModel], media_types: Iterable[str], *, tag: str = "pictures"
) -> dict[str, Any]:
    """The OpenAPI operation of a POST that reads `body` and answers in any of `media_types`."""
    return {
        "summary": summary,
        "tags": [tag],
        "requestBody": {"content": {"application/json": {"schema": body.model_json_schema()}}},
        "responses": {
            "200": {
                "description": "The pictures.",
                "content": {media: {"schema": _schema_of(media)} for media in media_types},
            },
            "400": {"description": "The body is not a JSON object.", **_PROBLEM},
            **_KEY_PROBLEMS,
            "404": {"description": "No such model.", **_PROBLEM},
            "406": {"description": "`Accept` allows no format that can be made.", **_PROBLEM},
            "413": {"description": "The body is too large.", **_PROBLEM},
            "422": _WRONG_FIELD,
            "503": {"description": "Not ready, draining, or too many images waiting.", **_PROBLEM},
            "504": {"description": "Not ready within the time limit.", **_PROBLEM},
        },
    }


def add_descriptions(
    app: FastAPI, operations: Mapping[str, Mapping[str, Any]], *, keys: bool, open_paths: Collection[str]
) -> None:
    """Put POST `operations`, by path, in front of what FastAPI itself knows of `app`.

    With `keys` it says how a request carries its API key, and that `open_paths` need none.
    """
    generate = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            described = {path: {"post": operation} for path, operation in operations.items()}
            schema["paths"] = described | schema["paths"]
            _describe_errors(schema, open_paths)
            if keys:
                schema.setdefault("components", {})["securitySchemes"] = _SECURITY_SCHEMES
                schema["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        return app.openapi_schema or {}

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way of extending it


def _describe_errors(schema: dict[str, Any], open_paths: Collection[str]) -> None:
    """Every error is a problem document: not the 422 that FastAPI describes, which is never sent."""
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = _WRONG_FIELD
            operation["responses"].setdefault("default", _ANY_PROBLEM)
            if path in open_paths:
                operation["security"] = []
    for name in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(name, None)


def _schema_of(media_type: str) -> dict[str, str]:
    if media_type == "application/json":
        return {"type": "object"}
    return {"type": "string", "format": "binary"}

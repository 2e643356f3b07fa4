"""What /docs and /openapi.json say of endpoints that read their body themselves, and of every error."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.endpoints.problem_responses import (
    ANY_PROBLEM,
    HEADERS,
    PROBLEM_SCHEMA,
    describe_problem,
    describe_problems,
    refer_to_headers,
)
from service.http.problems import MEDIA_TYPE as PROBLEM

PICTURE_HEADERS = ("ETag", "X-Model", "X-Seed", "Server-Timing")
PICTURE_PROBLEMS = (400, 404, 406, 413, 415, 422, 429, 503, 504)

_REFERENCES = "#/components/schemas/{model}"
_PARTS = "x-parts"
"""Where an operation carries its body's parts until `add_descriptions` puts them among the components."""
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user; the key is the password."},
}


def describe_operation(
    operation_id: str,
    summary: str,
    body: type[BaseModel],
    media_types: Iterable[str],
    *,
    tag: str = "pictures",
    example: Mapping[str, Any],
    required: bool = False,
) -> dict[str, Any]:
    """The OpenAPI operation of a POST that reads `body` and answers in any of `media_types`."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        **describe_body(body, example=example, required=required),
        "responses": {
            "200": {
                "description": "The pictures.",
                "headers": refer_to_headers(PICTURE_HEADERS),
                "content": {media: {"schema": _schema_of(media)} for media in media_types},
            },
            **describe_problems(*PICTURE_PROBLEMS),
        },
    }


def describe_body(
    body: type[BaseModel], *, example: Mapping[str, Any], required: bool, **more_content: Any
) -> dict[str, Any]:
    """The JSON body of an operation, beside `more_content` in other media types."""
    schema = body.model_json_schema(ref_template=_REFERENCES)
    parts = schema.pop("$defs", {})
    content = {"application/json": {"schema": schema, "example": example}, **more_content}
    return {"requestBody": {"required": required, "content": content}, _PARTS: parts}


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
            described = {path: {"post": dict(operation)} for path, operation in operations.items()}
            schema["paths"] = described | schema["paths"]
            components = schema.setdefault("components", {})
            _describe_errors(schema, open_paths)
            components["schemas"] = _gather_schemas(schema)
            components["headers"] = {name: dict(header) for name, header in HEADERS.items()}
            if keys:
                components["securitySchemes"] = _SECURITY_SCHEMES
                schema["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        return app.openapi_schema or {}

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way of extending it


def _describe_errors(schema: Mapping[str, Any], open_paths: Collection[str]) -> None:
    """Every error is a problem document: not the 422 that FastAPI describes, which is never sent."""
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
            if path in open_paths:
                operation["security"] = []
            else:
                responses.update(describe_problems(401, 403, 429))
            responses.update(describe_problems(431))
            for response in responses.values():
                response["headers"] = {**refer_to_headers(()), **response.get("headers", {})}
            responses.setdefault("default", describe_problem(ANY_PROBLEM))
            if path.startswith("/v2"):  # what that protocol's clients read, which know no other type
                for response in responses.values():
                    if PROBLEM in response.get("content", {}):
                        response["content"] = {"application/json": response["content"][PROBLEM]}
            operation["responses"] = dict(sorted(responses.items()))


def _gather_schemas(schema: Mapping[str, Any]) -> dict[str, Any]:
    """All that a `$ref` may point to: FastAPI's own, the problem document, and the parts of the bodies."""
    schemas = dict(schema["components"].get("schemas", {}))
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = dict(PROBLEM_SCHEMA)
    for operations in schema["paths"].values():
        for operation in operations.values():
            schemas.update(operation.pop(_PARTS, {}))
    return schemas


def _schema_of(media_type: str) -> dict[str, str]:
    if media_type == "application/json":
        return {"type": "object"}
    return {"type": "string", "format": "binary"}

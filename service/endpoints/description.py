"""What /docs and /openapi.json say of endpoints that read their body themselves, and of every error."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.endpoints.answer_schemas import GeneratedImages
from service.endpoints.plain_schemas import say_defaults
from service.endpoints.problem_responses import (
    ANY_PROBLEM,
    HEADERS,
    PROBLEM_SCHEMA,
    describe_problem,
    describe_problems,
    refer_to_headers,
)
from service.http.addresses import OPEN_PATHS
from service.http.problems import MEDIA_TYPE as PROBLEM

JSON = "application/json"
BINARY: Mapping[str, str] = {"type": "string", "format": "binary"}
PICTURE_HEADERS = ("ETag", "X-Model", "X-Seed", "X-Seed-Count", "Server-Timing")
PICTURE_PROBLEMS = (400, 404, 406, 413, 415, 422, 429, 503, 504)

_REFERENCES = "#/components/schemas/{model}"
_OCTETS = "application/octet-stream"
_PARTS = "x-parts"
"""Where an operation carries its body's parts until `add_descriptions` puts them among the components."""
_ANSWER_PARTS = "x-answer-parts"
"""The same, of its answer."""
TAGS: Sequence[Mapping[str, str]] = (
    {"name": "pictures", "description": "Seeds or latents in, pictures and walks out."},
    {"name": "models", "description": "Which models and versions there are."},
    {"name": "health", "description": "For load balancers, and for people with pagers."},
    {"name": "SageMaker", "description": "What Amazon SageMaker calls."},
    {"name": "open inference protocol", "description": "For clients of KServe and Triton."},
)
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user; the key is the password."},
}


def describe_operation(
    operation_id: str,
    summary: str,
    body: type[BaseModel],
    media_types: Sequence[str],
    *,
    tag: str = "pictures",
    example: Mapping[str, Any],
    required: bool = False,
    json_answer: type[BaseModel] = GeneratedImages,
    problems: Sequence[int] = (),
) -> dict[str, Any]:
    """The OpenAPI operation of a POST that reads `body` and answers in any of `media_types`.

    In JSON it answers with a `json_answer`, and with `problems` beside those that all of them have.
    """
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        **describe_body(body, example=example, required=required),
        "responses": {
            "200": {
                "description": "The pictures.",
                "headers": refer_to_headers(PICTURE_HEADERS),
                "content": describe_content(media_types, json_answer),
            },
            **describe_problems(*PICTURE_PROBLEMS, *problems),
        },
        _ANSWER_PARTS: _gather_parts(json_answer),
    }


def describe_link(
    operation_id: str, summary: str, parameters: Sequence[Mapping[str, Any]], media_types: Sequence[str]
) -> dict[str, Any]:
    """The OpenAPI operation of a GET whose query has `parameters`, and which answers in `media_types`."""
    statuses = [status for status in PICTURE_PROBLEMS if status not in (400, 413, 415)]
    headers = (*PICTURE_HEADERS, "Cache-Control")
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["pictures"],
        "parameters": list(parameters),
        "responses": {
            "200": {
                "description": "The pictures.",
                "headers": refer_to_headers(headers),
                "content": describe_content(media_types),
            },
            "206": {
                "description": "The part of the file that `Range` names.",
                "headers": refer_to_headers(headers),
                "content": describe_content(media_types),
            },
            "304": {
                "description": "The client has it already.",
                "headers": refer_to_headers(("ETag", "Cache-Control")),
            },
            **describe_problems(*statuses, 416),
        },
    }


def describe_body(
    body: type[BaseModel], *, example: Mapping[str, Any], required: bool, **more_content: Any
) -> dict[str, Any]:
    """The JSON body of an operation, beside `more_content` in other media types."""
    content = {"application/json": {"schema": _refer_to(body), "example": example}, **more_content}
    return {"requestBody": {"required": required, "content": content}, _PARTS: _gather_parts(body)}


def describe_content(
    media_types: Sequence[str], json_answer: type[BaseModel] = GeneratedImages
) -> dict[str, Any]:
    """An answer's content in each of `media_types`, and in the one of plain bytes.

    Programs that write clients take the first type that they know: JSON comes last, unless it is the default.
    """
    pictures = [media for media in dict.fromkeys(media_types) if media != JSON]
    content = {media: {"schema": dict(BINARY)} for media in (*pictures, _OCTETS)}
    told = {JSON: {"schema": _refer_to(json_answer)}} if JSON in media_types else {}
    return told | content if media_types[0] == JSON else content | told


def add_descriptions(app: FastAPI, operations: Mapping[str, Mapping[str, Any]], *, keys: bool) -> None:
    """Put `operations`, by path and method, in front of what FastAPI itself knows of `app`.

    With `keys` it says how a request carries its API key.
    """
    generate = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            schema["paths"] = {path: dict(methods) for path, methods in operations.items()} | schema["paths"]
            components = schema.setdefault("components", {})
            _describe_errors(schema)
            components["schemas"] = say_defaults(_gather_schemas(schema))
            components["headers"] = {name: dict(header) for name, header in HEADERS.items()}
            if keys:
                components["securitySchemes"] = _SECURITY_SCHEMES
                schema["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        return app.openapi_schema or {}

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way of extending it


def _describe_errors(schema: Mapping[str, Any]) -> None:
    """Every error is a problem document: not the 422 that FastAPI describes, which is never sent."""
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
            if path in OPEN_PATHS:
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
            schemas.update(operation.pop(_ANSWER_PARTS, {}))
    return schemas


def _refer_to(schema: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCES.format(model=schema.__name__)}


def _gather_parts(schema: type[BaseModel]) -> dict[str, Any]:
    """`schema` and all that it refers to, by their names."""
    described = schema.model_json_schema(ref_template=_REFERENCES)
    return {**described.pop("$defs", {}), schema.__name__: described}

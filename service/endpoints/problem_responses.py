"""Every error that an operation answers with, as OpenAPI describes it: a problem document (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from service.http.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]
"""By status code, as FastAPI takes them."""

PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "What went wrong: `application/problem+json` (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence for people; it may change."},
        "code": {"type": "string", "description": "Stable: programs may compare it."},
        "field": {"type": "string", "description": "With 422: which field is wrong, such as `seeds.3`."},
        "error": {"type": "string", "description": "Under `/v2`: the detail again, by the protocol's name."},
    },
    "examples": [
        {
            "type": "about:blank",
            "title": "Invalid field",
            "status": 422,
            "detail": "seeds: give at least 2",
            "code": "invalid-field",
            "field": "seeds",
        }
    ],
}
"""The schema of each of them, kept under `#/components/schemas/Problem`."""

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": {
        "description": "The request's own `X-Request-Id`, or a new one; the log names it.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The ways to send a key: Bearer, and Basic for browsers.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Equal strong tags are equal bytes, whichever machine answered; a weak one (`W/`) "
        "names pictures that are equal within a rounding.",
        "schema": {"type": "string"},
    },
    "X-Model": {
        "description": "The version that drew: `NAME@VERSION`.",
        "schema": {"type": "string"},
    },
    "X-Seed": {
        "description": "What asks for these again: the first of seeds in a row, or all (64, then `...`).",
        "schema": {"type": "string"},
    },
    "X-Seed-Count": {
        "description": "How many seeds that are; where `X-Seed` has one, they follow it in a row.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Cache-Control": {
        "description": "How long it may be kept: for ever where a version is named.",
        "schema": {"type": "string"},
    },
    "Server-Timing": {
        "description": "Milliseconds in the queue, of inference, and of encoding.",
        "schema": {"type": "string"},
    },
}
"""The headers that answers carry, kept under `#/components/headers`."""

_SENTENCES: Mapping[int, str] = {
    400: "The request is malformed: for a body, that it is not a JSON object.",
    401: "The service wants an API key.",
    403: "It does not know this one.",
    404: "No such model, version or file.",
    406: "`Accept` allows no format that can be made.",
    409: "The release has no encoder; `ganymede encoder RUN` trains one.",
    416: "The file ends before the `Range` begins.",
    413: "The body is larger than is read.",
    415: "The body is compressed, or a file that is not read; send it as it is, and as one that is.",
    422: "A field is wrong; `field` names it.",
    429: "Over this key's rate; `Retry-After` says when to ask again.",
    431: "The request's head is larger than is read.",
    503: "Not ready, draining, the queue full, or the store away; `Retry-After` says when to ask again.",
    504: "Not ready within the time limit.",
}

_MORE_HEADERS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}

ANY_PROBLEM = "Any other error: `code` is stable, `detail` is for people."


def describe_problems(*statuses: int) -> Responses:
    """The responses of these status codes, by the code."""
    return {
        str(status): describe_problem(_SENTENCES[status], _MORE_HEADERS.get(status, ()))
        for status in statuses
    }


def describe_problem(sentence: str, headers: tuple[str, ...] = ()) -> dict[str, Any]:
    """One response that is a problem document."""
    return {
        "description": sentence,
        "headers": refer_to_headers(headers),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def refer_to_headers(names: tuple[str, ...]) -> dict[str, Any]:
    """References to those of `HEADERS`, and to the one that every answer carries."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}

"""From what the widgets hold to a request, to pictures, and to the `curl` line that asks for the same."""

import json
import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio
import orjson
from starlette.types import Scope

from foundation.errors import GanymedeError
from foundation.images import Images
from service.endpoints.context import Context
from service.endpoints.generate import accept_generate
from service.http.bodies import parse_body
from service.http.problem_table import problem_type
from service.http.requesters import requesting
from service.requests.schemas import GenerateRequest

log = logging.getLogger(__name__)

FROM_SEED = "from the seed"
"""What the class widget says when no class is chosen."""


@contextmanager
def explained() -> Iterator[None]:
    """Show what goes wrong inside to the visitor, in words."""
    try:
        yield
    except Exception as error:
        title, sentence = explain(error)
        raise gradio.Error(sentence, title=title, print_exception=False) from error


def explain(error: Exception) -> tuple[str, str]:
    """A title and a sentence for the visitor; what nobody foresaw goes into the log."""
    if isinstance(error, GanymedeError):
        return problem_type(error).title, str(error)
    log.error("an event of the page failed", exc_info=error)
    return "Internal error", "Something went wrong here. It is in the log of the service."


def request_fields(model: str | None, label: str | None, truncation: float) -> dict[str, Any]:
    """The fields that every request has in common; what is as it is by default stays away."""
    fields: dict[str, Any] = {}
    if model:
        fields["model"] = model
    if label and label != FROM_SEED:
        fields["label"] = label
    if truncation != 1:
        fields["truncation"] = truncation
    return fields


async def generate_pictures(context: Context, fields: dict[str, Any], visitor: gradio.Request) -> Images:
    """What `POST /generate` would generate for these fields, by its limits and queue: uint8 (n, h, w, c).

    They count as pictures for the key that the `visitor`'s request came with.

    Raises:
        GanymedeError: what it would refuse.
    """
    request = parse_body(orjson.dumps(fields), GenerateRequest)
    with requesting(scope_of(visitor)):
        release, inputs, _, holding = await accept_generate(context, request, "png")
    with holding:
        generated = await context.engine.generate(release.generator, inputs, requester=holding.requester)
    return generated.images


def list_pictures(images: Images) -> list[Any]:
    """Images (n, h, w, c) as what a gallery takes: (h, w) of grey ones, (h, w, c) of the others."""
    return [image[:, :, 0] if image.shape[2] == 1 else image for image in images]


def write_curl(visitor: gradio.Request, path: str, fields: dict[str, Any], output: str) -> str:
    """The shell line that gets the same from the API, at the address that the visitor sees."""
    body = json.dumps(fields, ensure_ascii=False)
    return f"curl -X POST {_address(visitor)}{path} -d {shlex.quote(body)} -o {output}"


def write_curl_get(visitor: gradio.Request, path: str) -> str:
    """The shell line that reads `path` of the API."""
    return f"curl {_address(visitor)}{path}"


def scope_of(visitor: gradio.Request) -> Scope:
    """The ASGI scope of a visitor's request, empty where there is none."""
    return visitor.request.scope if visitor.request else {}


def _address(visitor: gradio.Request) -> str:
    """Scheme, host and prefix as the visitor's browser knows them, also behind a proxy."""
    root = str(visitor.headers.get("x-gradio-server", "")).removesuffix("/ui")  # as the gate wrote it
    if root.startswith("http"):
        return root
    prefix = str(scope_of(visitor).get("root_path", "")).removesuffix("/").removesuffix("/ui")
    return f"{visitor.url.scheme}://{visitor.headers.get('host', 'localhost')}{prefix}"

"""From what the widgets hold to a request, to pictures, and to the `curl` line that asks for the same."""

import asyncio
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio
import orjson

from service.bodies import parse_body
from service.context import Context
from service.directions import read_directions, steer
from service.errors import GanymedeError
from service.generator import Images
from service.inputs import Inputs, draw_inputs, request_count, request_seeds
from service.limits import check_generate
from service.releases import Release
from service.schemas import GenerateRequest

FROM_SEED = "from the seed"
"""What the class widget says when no class is chosen."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images uint8 (n, h, w, c) of a release, and what they were made of."""

    images: Images
    inputs: Inputs
    release: Release


@contextmanager
def explained() -> Iterator[None]:
    """Show what goes wrong inside to the visitor, in words."""
    try:
        yield
    except GanymedeError as error:
        raise gradio.Error(str(error), title=error.title, print_exception=False) from error


def order_fields(model: str | None, label: str | None, truncation: float) -> dict[str, Any]:
    """The fields that every order has in common; what is as it is by default stays away."""
    fields: dict[str, Any] = {}
    if model:
        fields["model"] = model
    if label and label != FROM_SEED:
        fields["label"] = label
    if truncation != 1:
        fields["truncation"] = truncation
    return fields


async def generate_pictures(service: Context, fields: dict[str, Any]) -> Pictures:
    """What `POST /generate` would generate for these fields, by the same limits and the same queue.

    Raises:
        GanymedeError: what it would refuse.
    """
    order = parse_body(orjson.dumps(fields), GenerateRequest)
    release = await service.releases.resolve(order.model)
    check_generate(order, release.manifest.image, "png", service.settings)
    service.engine.check_room(request_count(order))
    service.rates.take(request_count(order))
    inputs = draw_inputs(release.manifest, order, request_seeds(order))
    if order.directions:
        directions = await asyncio.to_thread(read_directions, service.releases.store, release.manifest)
        inputs = steer(inputs, directions, order.directions)
    generated = await service.engine.generate(release.generator, inputs)
    return Pictures(generated.images, inputs, release)


def list_pictures(images: Images) -> list[Any]:
    """Images (n, h, w, c) as what a gallery takes: (h, w) of grey ones, (h, w, 3) of the others."""
    return [image[:, :, 0] if image.shape[2] == 1 else image for image in images]


def write_curl(request: gradio.Request, path: str, fields: dict[str, Any], output: str) -> str:
    """The shell line that gets the same from the API, at the address that the visitor sees."""
    body = json.dumps(fields, ensure_ascii=False)
    return f"curl -X POST {_address(request)}{path} -d {shlex.quote(body)} -o {output}"


def write_curl_get(request: gradio.Request, path: str) -> str:
    """The shell line that reads `path` of the API."""
    return f"curl {_address(request)}{path}"


def _address(request: gradio.Request) -> str:
    """Scheme, host and prefix as the visitor's browser knows them, also behind a proxy."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip() or request.url.scheme
    host = headers.get("x-forwarded-host", "").split(",")[0].strip() or headers.get("host", "localhost")
    scope = request.request.scope if request.request else {}
    prefix = str(scope.get("root_path", "")).removesuffix("/").removesuffix("/ui")
    return f"{scheme}://{host}{prefix}"

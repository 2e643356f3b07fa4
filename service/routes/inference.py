"""`/v2…`: the Open Inference Protocol, for clients of KServe and Triton."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from service.bodies import read_content
from service.context import Context, Service
from service.costs import tensor_bytes
from service.disconnection import unless_gone
from service.entity_tags import tag_answer
from service.errors import GanymedeError, NotFound
from service.generator import Images
from service.inference_inputs import check_inputs, read_inputs
from service.labels import Weights
from service.open_inference import (
    EXTENSIONS,
    JSON_LENGTH_HEADER,
    check_outputs,
    describe_model,
    parse_inference,
    write_head,
    write_json,
)
from service.problems import UNKNOWN_ERROR, describe, describe_unknown
from service.responses import picture_response
from service.routes import health
from service.store import parse_reference, resolve_version

_BODY = {
    "requestBody": {
        "required": True,
        "description": "The protocol's inference request; binary tensors follow the JSON.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"inputs": [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [7, 8]}]},
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class UnsupportedEncoding(GanymedeError):
    """The body is compressed."""

    status = 415
    code = "unsupported-encoding"
    title = "Unsupported encoding"


class ProtocolRoute(APIRoute):
    """A route whose problem documents carry the protocol's own `error` too: its clients show that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with errors answered here."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except GanymedeError as error:
                return describe(error, error=str(error))
            except Exception as error:
                return describe_unknown(request, error, error=UNKNOWN_ERROR)

        return answer


router = APIRouter(prefix="/v2", tags=["open inference protocol"], route_class=ProtocolRoute)


@router.get("")
async def describe_server(request: Request) -> dict[str, Any]:
    """The server's name, version and extensions of the protocol."""
    return {"name": "ganymede", "version": request.app.version, "extensions": EXTENSIONS}


@router.get("/health/live", response_class=Response)
async def live() -> Response:
    """200: the server receives requests."""
    return Response()


@router.get("/health/ready", response_class=Response)
async def ready(service: Service) -> Response:
    """200 where `/readyz` says so, else its 503."""
    await health.ready(service)
    return Response()


@router.get("/models/{model}")
async def describe_served(model: str, service: Service) -> dict[str, Any]:
    """A model's inputs, outputs and versions; of its production version where none is named."""
    return await asyncio.to_thread(_describe_model, service, model)


@router.get("/models/{model}/versions/{version}")
async def describe_version(model: str, version: str, service: Service) -> dict[str, Any]:
    """The inputs and outputs of a version or alias."""
    return await asyncio.to_thread(_describe_model, service, f"{model}@{version}")


@router.get("/models/{model}/ready", response_class=Response)
async def model_ready(model: str, service: Service) -> Response:
    """200 once the model is loaded; it is loaded for this if need be."""
    await service.releases.resolve(model)
    return Response()


@router.get("/models/{model}/versions/{version}/ready", response_class=Response)
async def version_ready(model: str, version: str, service: Service) -> Response:
    """200 once the version, or what the alias means, is loaded; it is loaded for this if need be."""
    await service.releases.resolve(f"{model}@{version}")
    return Response()


@router.post("/models/{model}/infer", response_class=Response, openapi_extra=_BODY)
async def infer(model: str, request: Request, service: Service) -> Response:
    """Images of latents (and labels), or of seeds: JSON or binary tensors in, `image` UINT8 out."""
    return await _infer(service, request, model)


@router.post("/models/{model}/versions/{version}/infer", response_class=Response, openapi_extra=_BODY)
async def infer_version(model: str, version: str, request: Request, service: Service) -> Response:
    """The same by a version or alias."""
    return await _infer(service, request, f"{model}@{version}")


@router.api_route("/{rest:path}", methods=["GET", "POST"], include_in_schema=False)
async def unknown(request: Request) -> Response:
    """What belongs to extensions of the protocol that are not offered."""
    raise NotFound(
        f"There is no {request.method} {request.url.path}: of the Open Inference Protocol, health, metadata "
        f"and infer are spoken here, and of its extensions {', '.join(EXTENSIONS)}; see /docs."
    )


def _describe_model(service: Context, text: str) -> dict[str, Any]:
    store, reference = service.releases.store, parse_reference(text)
    version = resolve_version(store, reference)
    return describe_model(store.manifest(reference.model, version), list(store.versions(reference.model)))


async def _infer(service: Context, request: Request, model: str) -> Response:
    settings = service.settings
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise UnsupportedEncoding(f"The body is sent as {encoding[:40]}; send it uncompressed.")
    content = await read_content(request, max_bytes=settings.max_body_bytes)
    inference = parse_inference(content, request.headers.get(JSON_LENGTH_HEADER))
    release = await service.releases.resolve(model)
    manifest = release.manifest
    check_outputs(inference.request, manifest)
    count = check_inputs(inference, manifest, settings)
    binary = inference.binary_output
    holding = service.accept(count, tensor_bytes(count, manifest.image, binary=binary))
    with ExitStack() as held:
        held.callback(holding.release)
        inputs = read_inputs(inference, manifest)
        head = write_head(inference, manifest, count)
        start = orjson.dumps(head)
        form = "tensor-binary" if binary else "tensor-json"
        tag = tag_answer(manifest, release.generator.precision, inputs, format=form, id=inference.request.id)

        def encode(images: Images, _labels: Weights | None) -> bytes:
            with holding.used():
                return start + images.tobytes() if binary else write_json(head, images)

        generated = await unless_gone(
            request.receive,
            service.engine.generate(
                release.generator, inputs, encode=encode, flight=tag, requester=holding.requester
            ),
        )
        service.metrics.observe_answer(form, generated.queue_s, generated.encode_s)
        response = picture_response(
            generated.content,
            media_type="application/octet-stream" if binary else "application/json",
            reference=manifest.reference,
            seeds=inputs.seeds,
            generated=generated,
            encode_s=generated.encode_s,
            tag=tag,
            holding=holding,
            headers={JSON_LENGTH_HEADER: str(len(start))} if binary else None,
        )
        held.pop_all()  # the response lets go of it
        return response

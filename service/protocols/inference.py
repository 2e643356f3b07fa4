"""`/v2…`: the Open Inference Protocol, for clients of KServe and Triton."""

from contextlib import ExitStack
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match

from foundation.errors import InvalidField, NotFound
from foundation.images import Images
from foundation.labels import Weights
from foundation.manifest import Manifest
from foundation.store import Store, parse_reference, resolve_version
from service.endpoints import health
from service.endpoints.context import AppContext, Context
from service.endpoints.description import PICTURE_HEADERS, PICTURE_PROBLEMS, describe_body
from service.endpoints.problem_responses import Responses, describe_problems, refer_to_headers
from service.engine.costs import tensor_bytes
from service.http.addresses import path_of
from service.http.disconnection import unless_gone
from service.http.entity_tags import tag_answer
from service.http.responses import picture_response
from service.http.worked import note_work
from service.protocols.inference_inputs import check_inputs, read_inputs
from service.protocols.open_inference import (
    EXTENSIONS,
    JSON_LENGTH_HEADER,
    InferenceRequest,
    check_outputs,
    describe_model,
    parse_inference,
    write_head,
    write_json,
)
from service.protocols.protocol_route import MethodNotAllowed, ProtocolRoute, accept_trailing_slashes
from service.protocols.tensors import count_numbers

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_EXAMPLE = {"inputs": [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [7, 8]}]}
_BODY = describe_body(
    InferenceRequest, example=_EXAMPLE, required=True, **{"application/octet-stream": _BINARY}
)
_BODY["requestBody"]["description"] = "The protocol's inference request; binary tensors follow the JSON."
_ANSWERS: Responses = {
    200: {
        "description": "The images: JSON, or JSON and after it their bytes.",
        "headers": refer_to_headers(PICTURE_HEADERS),
        "content": {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": _BINARY},
    },
    **describe_problems(*(status for status in PICTURE_PROBLEMS if status != 406)),
}
_NO_MODEL: Responses = describe_problems(404, 503)
_NOT_LOADED: Responses = describe_problems(404, 503, 504)

router = APIRouter(
    prefix="/v2",
    tags=["open inference protocol"],
    route_class=ProtocolRoute,
    generate_unique_id_function=lambda route: f"v2_{route.name}",
)


@router.get("")
async def describe_server(http_request: Request) -> dict[str, Any]:
    """The server's name, version and extensions of the protocol."""
    return {"name": "ganymede", "version": http_request.app.version, "extensions": EXTENSIONS}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """200: the server receives requests. Triton's clients read the status, KServe's the body."""
    return {"live": True}


@router.get("/health/ready", responses=describe_problems(503))
async def ready(context: AppContext) -> dict[str, bool]:
    """200 where `/readyz` says so, else its 503."""
    await health.ready(context)
    return {"ready": True}


@router.get("/models")
async def list_models(context: AppContext) -> dict[str, list[str]]:
    """The names of the store's models, as KServe's servers list theirs."""
    return {"models": list(await context.releases.asking.run(context.releases.store.models))}


@router.get("/models/{model}", responses=_NO_MODEL)
async def describe_served(model: str, context: AppContext) -> dict[str, Any]:
    """A model's inputs, outputs and versions; of its production version where none is named."""
    return await _describe_model(context, model)


@router.get("/models/{model}/versions/{version}", responses=_NO_MODEL)
async def describe_version(model: str, version: str, context: AppContext) -> dict[str, Any]:
    """The inputs and outputs of a version or alias."""
    return await _describe_model(context, f"{model}@{version}")


@router.get("/models/{model}/ready", responses=_NOT_LOADED)
async def model_ready(model: str, context: AppContext) -> dict[str, Any]:
    """200 once the model is loaded; it is loaded for this if need be."""
    release = await context.releases.resolve(model)
    return {"name": release.manifest.name, "ready": True}


@router.get("/models/{model}/versions/{version}/ready", responses=_NOT_LOADED)
async def version_ready(model: str, version: str, context: AppContext) -> dict[str, Any]:
    """200 once the version, or what the alias means, is loaded; it is loaded for this if need be."""
    release = await context.releases.resolve(f"{model}@{version}")
    return {"name": release.manifest.name, "ready": True}


@router.post("/models/{model}/infer", response_class=Response, responses=_ANSWERS, openapi_extra=_BODY)
async def infer(model: str, http_request: Request, context: AppContext) -> Response:
    """Images of latents (and labels), or of seeds: JSON or binary tensors in, `image` UINT8 out."""
    return await _infer(context, http_request, model)


@router.post(
    "/models/{model}/versions/{version}/infer",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_BODY,
)
async def infer_version(model: str, version: str, http_request: Request, context: AppContext) -> Response:
    """The same by a version or alias."""
    return await _infer(context, http_request, f"{model}@{version}")


accept_trailing_slashes(router)


@router.api_route("/{rest:path}", methods=["GET", "POST"], include_in_schema=False)
async def unknown(http_request: Request) -> Response:
    """What belongs to extensions of the protocol that are not offered, or goes by another method."""
    scope, path, method = http_request.scope, path_of(http_request.scope), http_request.method
    known = (route for route in router.routes if route.matches(scope)[0] is Match.PARTIAL)
    if isinstance(route := next(known, None), APIRoute):
        allowed = ", ".join(sorted(route.methods or ()))
        raise MethodNotAllowed(f"{method} {path}: it is for {allowed}.", allowed)
    raise NotFound(
        f"There is no {method} {path}: of the Open Inference Protocol, health, metadata "
        f"and infer are spoken here, and of its extensions {', '.join(EXTENSIONS)}; see /docs."
    )


async def _describe_model(context: Context, text: str) -> dict[str, Any]:
    releases = context.releases
    manifest, versions = await releases.asking.run(_look_up, releases.store, text)
    loaded = releases.residents.held().get((manifest.name, manifest.version))
    return describe_model(manifest, versions, same_bytes_here=loaded.golden.same_bytes if loaded else None)


def _look_up(store: Store, text: str) -> tuple[Manifest, list[str]]:
    reference = parse_reference(text)
    version = resolve_version(store, reference)
    return store.manifest(reference.model, version), list(store.versions(reference.model))


async def _infer(context: Context, http_request: Request, model: str) -> Response:
    settings = context.settings
    parse = partial(
        parse_inference,
        json_length=http_request.headers.get(JSON_LENGTH_HEADER),
        max_images=context.bodies.max_images,
    )
    inference = await context.bodies.take(http_request, parse)
    release = await context.releases.resolve(model)
    manifest = release.manifest
    check_outputs(inference.request, manifest)
    count = check_inputs(inference, manifest, settings)
    binary = inference.binary_output
    holding = await context.accept(count, tensor_bytes(count, manifest.image, binary=binary))
    with ExitStack() as held:
        held.callback(holding.release)
        try:
            numbers = sum(count_numbers(part.shape) for part in inference.request.inputs)
            inputs = await context.bodies.convert(numbers, partial(read_inputs, inference, manifest))
        except InvalidField:
            await context.rates.give_back(count)
            raise
        head = write_head(inference, manifest, count)
        start = orjson.dumps(head)
        format = "tensor-binary" if binary else "tensor-json"
        tag = tag_answer(release, inputs, format=format, id=inference.request.id)

        def encode(images: Images, _labels: Weights | None) -> bytes:
            with holding.used():
                return start + images.tobytes() if binary else write_json(head, images)

        generated = await unless_gone(
            http_request.receive,
            context.engine.generate(
                release.generator, inputs, encode=encode, flight=tag, requester=holding.requester
            ),
        )
        context.metrics.observe_answer(format, generated.queue_s, generated.encode_s)
        note_work(len(inputs), count * manifest.image.height * manifest.image.width, generated.work_s)
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

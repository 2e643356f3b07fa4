"""`GET /models…`: which models there are, their versions and aliases, and how they look."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from service.context import Service
from service.errors import ModelNotFound
from service.manifest import Manifest
from service.routes.problem_responses import describe_problems
from service.store import Store

router = APIRouter(prefix="/models", tags=["models"])
SAMPLES = "samples.png"
_NO_STORE = describe_problems(503)
_NO_MODEL = describe_problems(404, 503)
_FIRST_MODEL = {
    "model": {"operationId": "describe_model", "parameters": {"name": "$response.body#/models/0/name"}}
}
_FIRST_VERSION = {
    target: {
        "operationId": target,
        "parameters": {"name": "$response.body#/name", "version": "$response.body#/versions/0"},
    }
    for target in ("describe_version", "show_samples")
}


@router.get("", operation_id="list_models", responses={200: {"links": _FIRST_MODEL}, **_NO_STORE})
async def list_models(service: Service) -> dict[str, Any]:
    """All models of the store; `default` is what a request without `model` means."""
    return await asyncio.to_thread(_list_models, service)


@router.get("/{name}", operation_id="describe_model", responses={200: {"links": _FIRST_VERSION}, **_NO_MODEL})
async def describe_model(name: str, service: Service) -> dict[str, Any]:
    """One model: its versions, oldest first, and where its aliases point."""
    return await asyncio.to_thread(_describe_model, service.releases.store, name)


@router.get(
    "/{name}/versions/{version}",
    response_model=Manifest,
    operation_id="describe_version",
    responses=_NO_MODEL,
)
async def describe_version(name: str, version: str, service: Service) -> Manifest:
    """One version's manifest."""
    return await asyncio.to_thread(service.releases.store.manifest, name, version)


@router.get(
    "/{name}/versions/{version}/samples.png",
    response_class=Response,
    operation_id="show_samples",
    responses={200: {"content": {"image/png": {}}}, **_NO_MODEL},
)
async def show_samples(name: str, version: str, service: Service) -> Response:
    """The grid of samples that was published with a version."""
    content = await asyncio.to_thread(_read_samples, service.releases.store, name, version)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type="image/png", headers=headers)


def _list_models(service: Service) -> dict[str, Any]:
    store = service.releases.store
    try:
        default = str(service.releases.default_reference())
    except ModelNotFound:
        default = None
    return {"default": default, "models": [_describe_model(store, name) for name in store.models()]}


def _describe_model(store: Store, name: str) -> dict[str, Any]:
    versions = store.versions(name)
    if not versions:
        raise ModelNotFound(f"There is no model {name[:80]!r} in {store.location}; see /models.")
    aliases = {alias: entry.model_dump() for alias, entry in store.aliases(name).entries.items()}
    return {"name": name, "versions": versions, "aliases": aliases}


def _read_samples(store: Store, name: str, version: str) -> bytes:
    manifest = store.manifest(name, version)
    if manifest.file(SAMPLES) is None:
        raise ModelNotFound(f"{manifest.reference} was published without {SAMPLES}.")
    return store.read(manifest, SAMPLES)

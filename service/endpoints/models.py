"""`GET /models…`: which models there are, their versions and aliases, and how they look."""

from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request, Response

from foundation.errors import GanymedeError, ModelNotFound, ReleaseRefused, StoreError
from foundation.manifest import Manifest
from foundation.store import Store
from foundation.store.publication import MAX_NAMED
from service.endpoints.answer_schemas import Model, ModelList
from service.endpoints.context import AppContext, Context
from service.endpoints.description import describe_content
from service.endpoints.problem_responses import describe_problems
from service.http.negotiation import label_octets
from service.http.problems import tell
from service.http.requesters import current_requester
from service.http.responses import PictureResponse
from service.releases.default_model import raise_if_away
from service.releases.opening import Release

router = APIRouter(prefix="/models", tags=["models"])
Loaded = dict[str, dict[str, dict[str, str | bool]]]
SAMPLES, METRICS = "samples.png", "metrics.json"
MAX_SAMPLES_BYTES = MAX_METRICS_BYTES = 2**24
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
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
    for target in ("describe_version", "show_samples", "show_training")
}


class DescribedVersion(Manifest):
    """A version's manifest, and what this machine makes of it."""

    same_bytes_here: bool | None
    """Whether its golden check gave the recorded bytes; null where it is not in this process's memory."""
    directions: tuple[str, ...] | None
    """The names that `directions` of a request takes, by number; null where it has none, or as above."""


@router.get(
    "",
    operation_id="list_models",
    response_model=None,
    responses={200: {"model": ModelList, "links": _FIRST_MODEL}, **_NO_STORE},
)
async def list_models(context: AppContext) -> dict[str, Any]:
    """All models of the store; `default` is what a request without `model` means.

    A model that is broken has an `error` that says how; the others are as they are. `loaded` has the versions
    in memory: the arithmetic of each, and whether this machine gives the bytes that it recorded.
    """
    loaded = _list_loaded(context)
    return await context.releases.asking.run(_list_models, context, loaded)


@router.get(
    "/{name}",
    operation_id="describe_model",
    response_model=None,
    responses={200: {"model": Model, "links": _FIRST_VERSION}, **_NO_MODEL},
)
async def describe_model(name: str, context: AppContext) -> dict[str, Any]:
    """One model: its versions, oldest first, its aliases and their `canary`, and which are `loaded`."""
    loaded = _list_loaded(context)
    return await context.releases.asking.run(_describe_model, context.releases.store, name, loaded)


@router.get(
    "/{name}/versions/{version}",
    response_model=DescribedVersion,
    operation_id="describe_version",
    responses=_NO_MODEL,
)
async def describe_version(name: str, version: str, context: AppContext) -> DescribedVersion:
    """One version's manifest, its directions, and whether this machine gives the bytes that it recorded."""
    manifest = await context.releases.asking.run(context.releases.store.manifest, name, version)
    loaded = context.releases.residents.held().get((name, version))
    return DescribedVersion(
        **dict(manifest),
        same_bytes_here=loaded.golden.same_bytes if loaded else None,
        directions=await _name_directions(loaded) if loaded else None,
    )


@router.get(
    "/{name}/versions/{version}/samples.png",
    response_class=Response,
    operation_id="show_samples",
    responses={200: {"content": describe_content(["image/png"])}, **_NO_MODEL},
)
async def show_samples(name: str, version: str, context: AppContext, http_request: Request) -> Response:
    """The grid of samples that was published with a version."""
    response = await _send(context, name, version, SAMPLES, MAX_SAMPLES_BYTES, "image/png")
    return label_octets(response, http_request.headers.get("accept"))


@router.get(
    "/{name}/versions/{version}/metrics.json",
    response_class=Response,
    operation_id="show_training",
    responses={200: {"content": describe_content(["application/json"])}, **_NO_MODEL},
)
async def show_training(name: str, version: str, context: AppContext) -> Response:
    """What was published of a version's training: its losses and figures, epoch by epoch."""
    return await _send(context, name, version, METRICS, MAX_METRICS_BYTES, "application/json")


async def _name_directions(release: Release) -> tuple[str, ...] | None:
    try:
        return (await release.directions.get()).names
    except GanymedeError:  # there are none, or they are broken: a request that wants them is told
        return None


def _list_loaded(context: Context) -> Loaded:
    """What is in memory, by model and version: its arithmetic, and whether it gives the recorded bytes."""
    loaded: Loaded = {}
    for (name, version), release in context.releases.residents.held().items():
        described: dict[str, str | bool] = {
            "arithmetic": release.manifest.arithmetic,
            "same_bytes_here": release.golden.same_bytes,
        }
        if release.manifest.projection is not None:
            described["projection"] = True
        loaded.setdefault(name, {})[version] = described
    return loaded


def _list_models(context: Context, loaded: Loaded) -> dict[str, Any]:
    store = context.releases.store
    try:
        default = str(context.releases.default_reference())
    except (ModelNotFound, ReleaseRefused):
        default = None
    return {"default": default, "models": [_describe_listed(store, name, loaded) for name in store.models()]}


def _describe_listed(store: Store, name: str, loaded: Loaded) -> dict[str, Any]:
    """A model in the list; one that is broken says so, and is no other's trouble."""
    try:
        return _describe_model(store, name, loaded)
    except StoreError as error:
        raise_if_away(store, error)
        return {"name": name, "versions": [], "aliases": {}, "loaded": {}, "error": tell(error)}


def _describe_model(store: Store, name: str, loaded: Loaded) -> dict[str, Any]:
    versions = store.versions(name)
    if not versions:
        raise ModelNotFound(f"There is no model {name[:80]!r} in the store; see /models.")
    described: dict[str, Any] = {
        "name": name,
        "versions": versions,
        "aliases": {},
        "loaded": dict(sorted(loaded.get(name, {}).items())),
    }
    try:
        aliases = store.aliases(name).entries
    except ReleaseRefused as error:
        return {**described, "error": tell(error)}
    described["aliases"] = {alias: entry.describe() for alias, entry in aliases.items()}
    missing = [alias for alias, entry in aliases.items() if entry.version not in versions]
    if missing and store.failure is None:
        where = ", ".join(f"{alias} (at {aliases[alias].version})" for alias in missing[:MAX_NAMED])
        described["error"] = f"These aliases of {name} point to versions that are not there: {where}."
    return described


async def _send(
    context: Context, name: str, version: str, path: str, max_bytes: int, media_type: str
) -> Response:
    """A published file, whose bytes count until they are sent, as those of pictures do."""
    store, asking = context.releases.store, context.releases.asking
    manifest = await asking.run(store.manifest, name, version)
    entry = manifest.file(path)
    if entry is None:
        raise ModelNotFound(f"{manifest.reference} was published without {path}.")
    with ExitStack() as held:
        size = min(entry.size_bytes, max_bytes)
        holding = held.enter_context(context.budget.hold(size, current_requester()))

        def read() -> bytes:
            with holding.used():
                return store.read(manifest, path, max_bytes=max_bytes)

        response = PictureResponse(await asking.run(read), media_type, _FOR_EVER, holding)
        held.pop_all()  # the response lets go of it
        return response

"""`GET /models/{name}/versions/{version}/directions`: the names that a request's `directions` may have."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from foundation.store import Store
from service.endpoints.context import AppContext
from service.endpoints.problem_responses import describe_problems
from service.requests.directions import DIRECTIONS_FILE, read_directions

router = APIRouter(tags=["models"])


class DirectionEntry(BaseModel):
    """A way in latent space along which a version's pictures change."""

    name: str
    strength: float = Field(description="How strongly the first layer answers to it.")


class DirectionList(BaseModel):
    """A version's directions, the strongest first."""

    directions: list[DirectionEntry]


@router.get(
    "/models/{name}/versions/{version}/directions",
    operation_id="list_directions",
    responses=describe_problems(404, 503),
)
async def list_directions(name: str, version: str, context: AppContext) -> DirectionList:
    """The directions of one version, by the names that `/generate` knows; none where it has none."""
    entries = await context.releases.asking.run(_list_directions, context.releases.store, name, version)
    return DirectionList(directions=entries)


def _list_directions(store: Store, name: str, version: str) -> list[DirectionEntry]:
    manifest = store.manifest(name, version)
    if manifest.file(DIRECTIONS_FILE) is None:
        return []
    found = read_directions(store, manifest)
    return [
        DirectionEntry(name=name, strength=strength)
        for name, strength in zip(found.names, found.strengths.tolist(), strict=True)
    ]

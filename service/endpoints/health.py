"""`/livez` and `/readyz`: for load balancers and people with pagers."""

from typing import Any

from fastapi import APIRouter

from foundation.errors import Unavailable, hide_location, tell_strangers
from service.endpoints.answer_schemas import Liveness, Readiness
from service.endpoints.context import AppContext
from service.endpoints.problem_responses import describe_problems

router = APIRouter(tags=["health"])


@router.get("/livez", response_model=None, responses={200: {"model": Liveness}})
async def live() -> dict[str, str]:
    """The process runs and its event loop turns."""
    return {"status": "live"}


@router.get("/readyz", response_model=None, responses={200: {"model": Readiness}, **describe_problems(503)})
async def ready(context: AppContext) -> dict[str, Any]:
    """200 once the default model is loaded and passed its golden check; 503 before, and once the end is near.

    A store that does not answer and a release that was refused are told, and change nothing: what is loaded
    goes on serving. `same_bytes_here` says whether the golden check gave the recorded bytes on this machine,
    or pictures within a rounding of them. Where the store is, the log says, and no answer.

    Raises:
        Unavailable: the 503.
    """
    if context.engine.leaving:
        raise Unavailable("This process is ending.")
    releases = context.releases
    location = releases.store.location

    def tell(reason: object) -> str:
        return hide_location(tell_strangers(reason), location)

    release = releases.default
    if release is None:
        reason = releases.default_error or "The default model is still being loaded."
        raise Unavailable(tell(reason))
    failure = releases.store.failure
    store: dict[str, Any] = {"reachable": failure is None}
    if failure is not None:
        store["error"] = tell(failure)
    reloading = context.reloading
    refused = {str(reference): tell(error) for reference, error in reloading.refusals.items()}
    refused |= {model: tell(error) for model, error in reloading.broken.items() if failure is None}
    body = {
        "status": "ready",
        "model": release.manifest.reference,
        "arithmetic": release.manifest.arithmetic,
        "same_bytes_here": release.golden.same_bytes,
        "store": store,
    }
    return {**body, "refused": refused} if refused else body

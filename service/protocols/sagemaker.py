"""SageMaker's two addresses: `/ping`, and `/invocations` for the body of either endpoint plus its task."""

from functools import partial
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.encoding.animation import MEDIA_TYPES as WALK_MEDIA_TYPES
from service.encoding.pictures import MEDIA_TYPES
from service.endpoints.context import context_of
from service.endpoints.description import describe_operation
from service.endpoints.generate import answer_order
from service.endpoints.health import ready
from service.endpoints.problem_responses import describe_problems
from service.endpoints.walk import answer_walk_order
from service.http.bodies import parse_body
from service.requests.schemas import GenerateRequest, WalkRequest

router = APIRouter(tags=["SageMaker"])


class Invocation(BaseModel):
    """A task, and beside it the fields of that task's own endpoint."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: Literal["generate", "latent-walk"] = Field(
        description="Which endpoint the other fields are for: `/generate` or `/latent-walk`."
    )


class _GenerateInvocation(GenerateRequest):
    task: Literal["generate"]


class _WalkInvocation(WalkRequest):
    task: Literal["latent-walk"]


DESCRIPTION = describe_operation(
    "invoke",
    "What SageMaker calls: `/generate` or `/latent-walk`, as `task` says.",
    Invocation,
    [*MEDIA_TYPES.values(), *WALK_MEDIA_TYPES.values()],
    tag="SageMaker",
    example={"task": "generate", "seed": 7, "count": 4},
    required=True,
)


async def invoke(request: Request) -> Response:
    """Answer the body without its task as the endpoint that the task names does."""
    request.scope["ganymede.route"] = "/invocations"
    context = context_of(request)
    context.check_room()  # before the body is read: a full queue refuses at the least cost
    order = await context.bodies.take(request, partial(_parse, max_parts=context.bodies.max_parts))
    if isinstance(order, WalkRequest):
        return await answer_walk_order(context, request, order)
    return await answer_order(context, request, order)


def _parse(content: bytes, *, max_parts: int) -> GenerateRequest | WalkRequest:
    task = parse_body(content or b"{}", Invocation, max_parts=max_parts).task
    if task == "latent-walk":
        return parse_body(content, _WalkInvocation)
    return parse_body(content, _GenerateInvocation)


router.add_api_route("/ping", ready, methods=["GET"], response_model=None, responses=describe_problems(503))
router.add_route("/invocations", invoke, methods=["POST"])

"""SageMaker's two addresses: `/ping`, and `/invocations` for the body of either endpoint plus its task."""

import json
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Message, Receive

from service.animation import MEDIA_TYPES as WALK_MEDIA_TYPES
from service.bodies import read_body
from service.context import context_of
from service.images import MEDIA_TYPES
from service.routes.description import describe_operation
from service.routes.generate import generate
from service.routes.health import ready
from service.routes.problem_responses import describe_problems
from service.routes.walk import latent_walk

router = APIRouter(tags=["SageMaker"])


class Invocation(BaseModel):
    """A task, and beside it the fields of that task's own endpoint."""

    model_config = ConfigDict(frozen=True, extra="allow")

    task: Literal["generate", "latent-walk"] = Field(
        description="Which endpoint the other fields are for: `/generate` or `/latent-walk`."
    )


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
    """Hand the body without its task to the endpoint that the task names."""
    request.scope["ganymede.route"] = "/invocations"
    settings = context_of(request).settings
    invocation = await read_body(request, Invocation, max_bytes=settings.max_body_bytes)
    body = json.dumps(invocation.model_extra).encode()
    endpoint = generate if invocation.task == "generate" else latent_walk
    return await endpoint(Request(request.scope, _replay(body, request.receive)))


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` first, and then what is left of the connection: its end."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


router.add_api_route("/ping", ready, methods=["GET"], response_model=None, responses=describe_problems(503))
router.add_route("/invocations", invoke, methods=["POST"])

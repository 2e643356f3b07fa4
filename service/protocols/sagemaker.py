"""SageMaker's two addresses: `/ping`, and `/invocations` for the request of any endpoint plus its task."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from service.endpoints.answer_schemas import Readiness
from service.endpoints.context import Context
from service.endpoints.description import describe_operation
from service.endpoints.endpoint import Endpoint
from service.endpoints.health import ready
from service.endpoints.problem_responses import describe_problems
from service.http.bodies import JsonBody

router = APIRouter(tags=["SageMaker"])
router.add_api_route(
    "/ping",
    ready,
    methods=["GET"],
    operation_id="ping",
    response_model=None,
    responses={200: {"model": Readiness}, **describe_problems(503)},
)


class Invocation(BaseModel):
    """A task, and beside it the fields of that task's own endpoint."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str


class Invocations:
    """`POST /invocations`: what the other endpoints answer, by the task that the request names."""

    path = "/invocations"
    methods: Sequence[str] = ("POST",)

    def __init__(self, endpoints: Sequence[Endpoint[Any]]) -> None:
        tasks: Any = Literal[tuple(endpoint.task for endpoint in endpoints)]
        names = _list_words([f"`{endpoint.path}`" for endpoint in endpoints])
        described = Field(description=f"Which endpoint the other fields are for: {names}.")
        self._names = names
        self._schema = create_model(
            Invocation.__name__, __base__=Invocation, __doc__=Invocation.__doc__, task=(tasks, described)
        )
        self._tasks = {endpoint.task: (endpoint, _with_task(endpoint)) for endpoint in endpoints}

    def describe(self) -> dict[str, Any]:
        """Its operation, as OpenAPI has it."""
        endpoints = [endpoint for endpoint, _ in self._tasks.values()]
        operation = describe_operation(
            "invoke",
            f"What SageMaker calls: {self._names}, as `task` says.",
            self._schema,
            [media_type for endpoint in endpoints for media_type in endpoint.all_media_types],
            tag="SageMaker",
            example={"task": endpoints[0].task, **endpoints[0].example},
            required=True,
        )
        return {"post": operation}

    async def handle(self, context: Context, http_request: Request) -> Response:
        """Read the request, and answer it as the endpoint of its task does."""
        context.check_room()  # before the body is read: a full queue refuses at the least cost
        parse = partial(self.parse, max_images=context.bodies.max_images)
        endpoint, request = await context.bodies.take(http_request, parse)
        return await endpoint.respond(context, http_request, request)

    def parse(self, content: bytes, *, max_images: int) -> tuple[Endpoint[Any], BaseModel]:
        """The endpoint that a body is for, and its request.

        Raises:
            MalformedRequest: it is not a JSON object.
            InvalidField: there is no such task, or the fields beside it are not those of its endpoint.
        """
        body = JsonBody(content or b"{}", max_images=max_images)
        endpoint, schema = self._tasks[body.fit(self._schema).task]
        return endpoint, body.fit(schema)


def _with_task(endpoint: Endpoint[Any]) -> type[BaseModel]:
    """The schema of an endpoint's request with its task beside the fields."""
    task: Any = Literal[endpoint.task]
    schema: type[BaseModel] = create_model(
        endpoint.schema.__name__, __base__=endpoint.schema, task=(task, ...)
    )
    return schema


def _list_words(words: Sequence[str]) -> str:
    """The words as a sentence has them: `a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

"""An endpoint, declared once: its route, its description and its short way all follow from that."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.types import Receive

from service.endpoints.context import Context, context_of
from service.endpoints.description import describe_operation
from service.http.negotiation import choose_format, label_octets

Schema = TypeVar("Schema", bound=BaseModel)
Answer = Callable[[Context, Receive, Schema, str], Awaitable[Response]]
"""From the context, the client (to see it leave), a request and a format to the response."""


class Door(Protocol):
    """What pictures are asked for at: `Endpoint`, and SageMaker's one address for all of them."""

    @property
    def path(self) -> str:
        """Its address, such as `/generate`; a POST to it is let in by `service.http.threshold`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Its operation, as OpenAPI has it."""
        ...

    async def handle(self, http_request: Request) -> Response:
        """Answer one POST to it."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Schema]):
    """A POST that reads a request and answers it with pictures.

    A module of this folder that has one by the name `ENDPOINT` is all that it takes (`find_endpoints`).
    """

    path: str
    operation_id: str
    summary: str
    schema: type[Schema]
    """Of the request. Its field `format`, if it has one, goes before the header `Accept`."""
    media_types: Mapping[str, str]
    """Of each format, the default first."""
    answer: Answer[Schema]
    example: Mapping[str, Any]
    required: bool = False
    """Whether there has to be a body; without one the request is `{}`."""

    @property
    def task(self) -> str:
        """What SageMaker's clients call it."""
        return self.path.removeprefix("/")

    def describe(self) -> dict[str, Any]:
        """Its operation, as OpenAPI has it."""
        return describe_operation(
            self.operation_id,
            self.summary,
            self.schema,
            list(self.media_types.values()),
            example=self.example,
            required=self.required,
        )

    async def handle(self, http_request: Request) -> Response:
        """Read the request, and answer it."""
        context = context_of(http_request)
        context.check_room()  # before the body is read: a full queue refuses at the least cost
        request = await context.bodies.read(http_request, self.schema)
        return await self.respond(context, http_request, request)

    async def respond(self, context: Context, http_request: Request, request: Schema) -> Response:
        """The answer to `request`, in the format that it or the header `Accept` names."""
        named: str | None = getattr(request, "format", None)
        accept = http_request.headers.get("accept")
        format = choose_format(named, accept, self.media_types)
        return label_octets(await self.answer(context, http_request.receive, request, format), accept)

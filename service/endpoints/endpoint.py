"""An endpoint, declared once: its route, its description and its short way all follow from that."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.types import Receive

from foundation.errors import InvalidField
from service.endpoints.answer_schemas import GeneratedImages
from service.endpoints.context import Context
from service.endpoints.description import describe_link, describe_operation
from service.endpoints.link import Link
from service.endpoints.upload import Upload
from service.http.addresses import ROUTE
from service.http.fields import read_field
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

    @property
    def methods(self) -> Sequence[str]:
        """What it answers."""
        ...

    def describe(self) -> dict[str, Any]:
        """Its operations by method, as OpenAPI has them."""
        ...

    async def handle(self, context: Context, http_request: Request) -> Response:
        """Answer one request to it."""
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
    streamed_media_types: Mapping[str, str] = field(default_factory=dict)
    """Of each format in which what is asked for with `stream` is sent while it is made, the default first."""
    link: Link[Schema] | None = None
    """The same by GET, where there is one."""
    upload: Upload[Schema] | None = None
    """The files that the body may be itself, where it may."""
    json_answer: type[BaseModel] = GeneratedImages
    """What its answer in JSON is, where it makes any."""
    problems: Sequence[int] = ()
    """Statuses of errors that other endpoints do not answer with."""

    @property
    def task(self) -> str:
        """What SageMaker's clients call it."""
        return self.path.removeprefix("/")

    @property
    def methods(self) -> list[str]:
        """What it answers."""
        return ["POST"] if self.link is None else ["GET", "POST"]

    @property
    def all_media_types(self) -> list[str]:
        """Of its answers, without their parameters."""
        every = (*self.media_types.values(), *self.streamed_media_types.values())
        return list(dict.fromkeys(media_type.partition(";")[0] for media_type in every))

    def describe(self) -> dict[str, Any]:
        """Its operations by method, as OpenAPI has them."""
        post = describe_operation(
            self.operation_id,
            self.summary,
            self.schema,
            self.all_media_types,
            example=self.example,
            required=self.required,
            json_answer=self.json_answer,
            problems=self.problems,
        )
        if self.upload is not None:
            post = self.upload.describe(post, self.schema)
        if self.link is None:
            return {"post": post}
        parameters = self.link.describe_parameters(self.schema)
        named = (self.link.operation_id, self.link.summary, parameters)
        return {"get": describe_link(*named, self.all_media_types), "post": post}

    async def handle(self, context: Context, http_request: Request) -> Response:
        """Read the request, and answer it."""
        context.check_room()  # before the body is read: a full queue refuses at the least cost
        if self.link is not None and http_request.method == "GET":
            http_request.scope[ROUTE] = self.path  # of a POST `Threshold` has noted it
            request = self.link.read(http_request, self.schema)
            accept = read_field(http_request.scope, b"accept")
            format = self._choose_format(request, accept)
            return label_octets(await self.link.answer(context, http_request, request, format), accept)
        if self.upload is not None:
            request = await self.upload.read(http_request, context.bodies, self.schema)
        else:
            if query := http_request.scope["query_string"]:
                name = query.partition(b"=")[0][:80].decode("latin-1")
                raise InvalidField(name, "a POST has no fields in its address here; send them as JSON")
            request = await context.bodies.read(http_request, self.schema)
        return await self.respond(context, http_request, request)

    async def respond(self, context: Context, http_request: Request, request: Schema) -> Response:
        """The answer to `request`, in the format that it or the header `Accept` names."""
        accept = read_field(http_request.scope, b"accept")
        format = self._choose_format(request, accept)
        return label_octets(await self.answer(context, http_request.receive, request, format), accept)

    def _choose_format(self, request: Schema, accept: str | None) -> str:
        named: str | None = getattr(request, "format", None)
        streamed = bool(self.streamed_media_types) and getattr(request, "stream", False)
        media_types = self.streamed_media_types if streamed else self.media_types
        if named is not None and named not in media_types:
            how = "with stream" if streamed else "without stream"
            raise InvalidField("format", f"{named} is not made {how}; choose {', '.join(media_types)}")
        return choose_format(named, accept, media_types)

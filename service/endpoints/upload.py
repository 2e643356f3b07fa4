"""A file as the body of a request, the other fields in the query: what `curl --data-binary @FILE` sends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from foundation.errors import InvalidField
from service.endpoints.description import BINARY
from service.endpoints.link import describe_parameter
from service.http.bodies import explain, parse_optional_body
from service.http.fields import read_field
from service.http.negotiation import OCTETS
from service.http.queries import Reader, read_fields
from service.http.reading import Bodies

Schema = TypeVar("Schema", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Upload(Generic[Schema]):
    """The files that a body may be beside JSON, and the fields that the query may have then."""

    readers: Mapping[str, Reader]
    take: Callable[[bytes, str], Mapping[str, object] | None]
    """From a body and the media type it claims to the fields that it is; None where it is JSON."""

    async def read(self, http_request: Request, bodies: Bodies, schema: type[Schema]) -> Schema:
        """The request in a body and a query.

        Raises:
            GanymedeError: what `Bodies.take` raises, what `take` does, and that a field breaks its limit.
        """
        query = read_fields(http_request.query_params.multi_items(), self.readers)
        media_type = (read_field(http_request.scope, b"content-type") or "").partition(";")[0].strip().lower()
        parse = partial(self._parse, media_type, query, schema, bodies.max_images)
        return await bodies.take(http_request, parse)

    def _parse(
        self,
        media_type: str,
        query: Mapping[str, object],
        schema: type[Schema],
        max_images: int,
        content: bytes,
    ) -> Schema:
        fields = self.take(content, media_type)
        if fields is None:
            request = parse_optional_body(content, schema, max_images=max_images)
            if not query:
                return request
            fields = {name: getattr(request, name) for name in request.model_fields_set}
        try:
            asked = schema.model_validate({**fields, **query})
        except ValidationError as error:
            raise explain(error) from None
        for name in query.keys() & fields.keys():
            if getattr(asked, name) != fields[name]:
                raise InvalidField(name, "the body and the address say different things; say it once")
        return asked

    def describe(self, operation: dict[str, Any], schema: type[Schema]) -> dict[str, Any]:
        """`operation` with its query and the files that its body may be, as OpenAPI has them."""
        properties = schema.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
        parameters = [
            describe_parameter(name, properties[name], reader) for name, reader in self.readers.items()
        ]
        body = operation["requestBody"]
        # A file is told by its bytes, whatever it is called; programs that write clients know this type.
        content = {**body["content"], OCTETS: {"schema": dict(BINARY)}}
        return {**operation, "parameters": parameters, "requestBody": {**body, "content": content}}

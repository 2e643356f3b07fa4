"""A request in an address: the GET beside an endpoint's POST, for `<video>` and whoever saves links."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from service.endpoints.context import Context
from service.http.bodies import explain
from service.http.queries import Reader, read_fields, read_numbers, read_words

Schema = TypeVar("Schema", bound=BaseModel)
LinkAnswer = Callable[[Context, Request, Schema, str], Awaitable[Response]]
"""From the context, the HTTP request, what it asks for and a format to the response."""


@dataclass(frozen=True, slots=True)
class Link(Generic[Schema]):
    """The fields that a query may have, and what answers them."""

    operation_id: str
    summary: str
    readers: Mapping[str, Reader]
    example: Mapping[str, Any]
    """The fields that there have to be."""
    answer: LinkAnswer[Schema]
    shown: Mapping[str, Any] = field(default_factory=dict)
    """What the documentation fills in beside them, for who tries it there."""

    def read(self, http_request: Request, schema: type[Schema]) -> Schema:
        """The request in the query of an address.

        Raises:
            InvalidField: a field is unknown, given twice, or breaks its limit.
        """
        fields = read_fields(http_request.query_params.multi_items(), self.readers)
        try:
            return schema.model_validate(fields)
        except ValidationError as error:
            raise explain(error) from None

    def describe_parameters(self, schema: type[Schema]) -> list[dict[str, Any]]:
        """The query, as OpenAPI has it."""
        properties = schema.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
        return [self._describe_parameter(name, properties[name]) for name in self.readers]

    def _describe_parameter(self, name: str, described: Mapping[str, Any]) -> dict[str, Any]:
        kinds = [kind for kind in described.get("anyOf", [described]) if kind.get("type") != "null"]
        schema = dict(kinds[0])
        for told in ("title", "description"):
            schema.pop(told, None)
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in self.example}
        if (description := described.get("description")) is not None:
            parameter["description"] = description
        if self.readers[name] in (read_numbers, read_words):
            parameter |= {"style": "form", "explode": False}
        if name in ("label", "labels"):  # of a class here its name or index, and that is text
            schema = {"type": "string", "minLength": 1}
            schema = schema if name == "label" else {"type": "array", "items": schema}
        shown = {**self.shown, **self.example}
        if name in shown:
            parameter["example"] = shown[name]
        return {**parameter, "schema": schema}

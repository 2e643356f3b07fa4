"""What a request's body says: JSON, held against bounds on its parts and then against its schema."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from foundation.errors import InvalidField, MalformedRequest
from foundation.wrong_values import say_wrong
from service.http.slices import read_json

Schema = TypeVar("Schema", bound=BaseModel)

_CLASSES: dict[int | str, int] = {"label": 1, "labels": 2}
"""The fields that take a class in several types, and how many parts the address of one class has."""

_MAX_KEYS = 256
"""In one object; no schema has as many. pydantic spends 20 µs on each that it does not know."""

_MAX_NAME = 80
"""Characters of a field's name, which may be the client's own, in an answer."""

SMALL_BYTES = 2**16
"""What is parsed in well under a millisecond."""

_LONGEST_FIELD = 10_000
"""Entries of a field that is no list of images: the weights of the most classes that a model may have."""

_OTHER_LISTS = 256
"""Those of a request that are no rows; a tensor's parameters, which are not read, may be lists as well."""

_LOOK_BYTES = 2**18
"""A fraction of a millisecond."""

_NUMBERS_PER_PART = 128
"""A list of latents holds more numbers than lists."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonBody:
    """JSON text in UTF-8, read once and for any schema; a byte order mark is let pass (RFC 8259, 8.1)."""

    def __init__(self, content: bytes, *, max_images: int | None = None) -> None:
        """Read `content`, in slices if it is large.

        Raises:
            MalformedRequest: it is not JSON, or has more parts than requests for `max_images` have.
        """
        self._content = content.removeprefix(_BYTE_ORDER_MARK)
        self._longest = max(max_images or 0, _LONGEST_FIELD)
        if max_images is not None:
            _check_parts(self._content, max_images)
        self._value: Any = None
        self._is_read = len(content) > SMALL_BYTES or content.count(b":") > _MAX_KEYS
        if self._is_read:
            try:
                self._value = read_json(self._content)
            except ValueError as error:
                raise _not_json(str(error), content) from None

    def fit(self, schema: type[Schema]) -> Schema:
        """What it says, as `schema`.

        Raises:
            MalformedRequest: it is not a JSON object.
            InvalidField: a field is unknown, or breaks its limit.
        """
        try:
            if not self._is_read:
                return schema.model_validate_json(self._content)
            if schema.model_config.get("extra") == "forbid":
                _check_keys(self._value, schema)
                _check_lengths(self._value, self._longest)
            return schema.model_validate(self._value)
        except ValidationError as error:
            raise explain(error, self._content) from None


def parse_body(content: bytes, schema: type[Schema], *, max_images: int | None = None) -> Schema:
    """`content` as `schema`.

    Raises:
        MalformedRequest, InvalidField: as `JsonBody`.
    """
    return JsonBody(content, max_images=max_images).fit(schema)


def parse_optional_body(content: bytes, schema: type[Schema], *, max_images: int | None = None) -> Schema:
    """As `parse_body`; no body at all is `{}`."""
    return parse_body(content or b"{}", schema, max_images=max_images)


def explain(error: ValidationError, content: bytes = b"") -> MalformedRequest | InvalidField:
    """A sentence for the first thing that pydantic found wrong, in `content` if that was JSON."""
    return _explain(error.errors(include_url=False, include_input=False)[0], content)


def _explain(error: ErrorDetails, content: bytes) -> MalformedRequest | InvalidField:
    message = say_wrong(error)
    if error["type"] == "json_invalid":
        return _not_json(error["msg"].removeprefix("Invalid JSON: "), content)
    if error["type"] in ("model_type", "model_attributes_type") and not error["loc"]:
        return MalformedRequest('The body must be a JSON object, such as {} or {"seed": 7}.')
    place = error["loc"]
    if place and place[0] in _CLASSES and len(place) > _CLASSES[place[0]]:
        place = place[: _CLASSES[place[0]]]  # what follows is a type that pydantic tried
        message = "a class is its name, its index, or a list with a weight for every class"
    field = ".".join(str(part)[:_MAX_NAME] for part in place if part not in ("float", "int"))
    if error["type"] == "extra_forbidden":
        message = "there is no such field; see /docs"
    field = field or error.get("ctx", {}).get("field", "body")
    return InvalidField(field, message)


def _not_json(reason: str, content: bytes) -> MalformedRequest:
    if content.startswith(b"\x1f\x8b"):
        return MalformedRequest("The body is compressed (gzip); send it uncompressed.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        return MalformedRequest("The body is UTF-16 or UTF-32; send JSON in UTF-8.")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return MalformedRequest(f"The body is not UTF-8 at byte {error.start:,}; send JSON in UTF-8.")
    return MalformedRequest(f"The body is not JSON: {reason}.")


def _check_parts(content: bytes, max_images: int) -> None:
    """Refuse JSON of far more parts than a request may have, before any of them is made.

    What can be taken has two lists for each image at most, a row of a latent and one of weights, a few
    objects and fields, some texts, and numbers; parts cost up to a hundred times their bytes. Those that
    stand inside texts count too: it takes a thousandth of the time.

    Raises:
        MalformedRequest: there are more of a kind.
    """
    most_parts = 4 * max_images + 4096
    if len(content) <= _OTHER_LISTS:  # each part has a byte
        return
    limits = {
        b"{": (most_parts, "objects"),
        b"[": (2 * max_images + _OTHER_LISTS, "lists"),
        b":": (most_parts, "fields"),
        b'"': (2 * most_parts, "texts"),
        b",": (_NUMBERS_PER_PART * most_parts, "parts"),
    }
    for mark, (most, kind) in limits.items():
        found = 0
        for start in range(0, len(content), _LOOK_BYTES):  # the interpreter's lock is kept while it counts
            found += content.count(mark, start, start + _LOOK_BYTES)
            if found > most:
                break
        if found > most:
            raise MalformedRequest(
                f"The body has more {kind} than any request that is answered here: {most:,} {mark.decode()} "
                "are read at most."
            )


def _check_keys(body: Any, schema: type[BaseModel]) -> None:
    """Refuse an object of too many fields anywhere in `body`; by the first that `schema` does not know.

    Raises:
        InvalidField: there is one.
    """
    waiting: list[tuple[str, Any]] = [("", body)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, list):
            waiting += [
                (f"{place}.{at}", part) for at, part in enumerate(value) if type(part) in (dict, list)
            ]
            continue
        if len(value) > _MAX_KEYS:
            known = () if place else schema.model_fields
            strange = next(name for name in value if name not in known)
            raise InvalidField(
                f"{place}.{strange[:_MAX_NAME]}".lstrip("."), "there is no such field; see /docs"
            )
        waiting += [
            (f"{place}.{name[:_MAX_NAME]}", part)
            for name, part in value.items()
            if type(part) in (dict, list)
        ]


def _check_lengths(body: Any, longest: int) -> None:
    """Refuse a field of more entries than images or classes, for pydantic looks at a million in one go.

    Raises:
        InvalidField: there is one.
    """
    for name, value in body.items() if isinstance(body, dict) else ():
        if isinstance(value, list) and len(value) > longest:
            raise InvalidField(
                name[:_MAX_NAME],
                f"has {len(value):,} entries; a request's may have {longest:,} at most",
            )

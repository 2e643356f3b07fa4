"""What a schema finds wrong with a value, in words for the person who wrote it."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

_PHRASES: Mapping[str, str] = {
    "missing": "is missing",
    "greater_than_equal": "must be at least {ge:,}",
    "greater_than": "must be more than {gt:,}",
    "less_than_equal": "must be at most {le:,}",
    "less_than": "must be less than {lt:,}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number that is not infinite",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "too_short": "give at least {min_length:,}",
    "too_long": "give at most {max_length:,}",
}
"""By the kind of error; what stands in braces is the limit."""


def say_wrong(error: ErrorDetails) -> str:
    """A phrase that goes behind the value's name, without a full stop."""
    phrase = _PHRASES.get(error["type"])
    limits = {name: _spare_zeros(limit) for name, limit in error.get("ctx", {}).items()}
    if phrase is None:
        message = error["msg"].removeprefix("Value error, ")
        return message[:1].lower() + message[1:]
    return phrase.format(**limits)


def _spare_zeros(limit: object) -> object:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit

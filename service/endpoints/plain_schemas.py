"""JSON schemas as programs that write clients read them best."""

from typing import Any


def say_defaults(schema: Any) -> Any:
    """`schema` with its defaults in the descriptions; a default of null says nothing.

    Of a field with a `default` openapi-typescript makes one that every request must have.
    """
    if isinstance(schema, list):
        return [say_defaults(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: say_defaults(part) for name, part in schema.items()}
    if "properties" in plain and isinstance(plain["properties"], dict):
        plain["properties"] = {name: _say_default(part) for name, part in plain["properties"].items()}
    return plain


def _say_default(field: Any) -> Any:
    if not isinstance(field, dict) or "default" not in field:
        return field
    plain = {name: part for name, part in field.items() if name != "default"}
    default = field["default"]
    if default is None or isinstance(default, dict | list):
        return plain
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    said = f"{field.get('description', '')} `{shown}` when absent."
    return {**plain, "description": said.strip()}

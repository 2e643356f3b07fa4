"""The settings of the service as options of the command line: name, help, bounds and default of each."""

import inspect
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings

_VARIABLES_ONLY = frozenset({"wrong_keys_per_minute"})
"""Settings that go with the secret ones, and are set where those are."""


def make_flags() -> inspect.Signature:
    """A keyword parameter for each setting but the secrets, as flags can be read in the list of processes."""
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[_plain_type(field) | None, _describe(field)],
            )
            for name, field in Settings.model_fields.items()
            if name not in _VARIABLES_ONLY and SecretStr not in get_args(field.annotation)
        ]
    )


def _plain_type(field: FieldInfo) -> Any:
    """Of what is given on the command line; whether a number or choice may be, `Settings` knows."""
    if get_origin(field.annotation) is Literal:
        return str
    return next((kind for kind in get_args(field.annotation) if kind is not NoneType), field.annotation)


def _describe(field: FieldInfo) -> Any:
    bounds = _say_bounds(field)
    shown: Any = field.default
    if isinstance(shown, int | float):
        shown = f"{shown:.12g}"
    help_text = f"{field.description} [{bounds}]" if bounds else field.description
    return typer.Option(help=help_text, show_default=shown or False)


def _say_bounds(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    kinds = ("ge", "gt", "le")
    bounds = {
        kind: f"{getattr(rule, kind):.13g}"
        for rule in field.metadata
        for kind in kinds
        if hasattr(rule, kind)
    }
    if "gt" in bounds:
        return f"more than {bounds['gt']}, at most {bounds['le']}"
    if "le" in bounds:
        return f"{bounds['ge']} to {bounds['le']}"
    return f"{bounds['ge']} or more" if bounds else ""

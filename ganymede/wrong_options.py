"""What is wrong with an option's value, in our own words and not in a library's."""

from typing import Any

import typer
from typer.core import TyperGroup

from ganymede.stopping import STOPPED, say_stopped


class PlainGroup(TyperGroup):
    """The commands; a value that Typer refuses is refused in the words that the API has for it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named; `ctx` is of a class that Typer keeps to itself.

        Raises:
            BadParameter: an option's value is wrong.
            Exit: it was stopped by Ctrl-C.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say_stopped()
            raise typer.Exit(STOPPED) from None
        except typer.BadParameter as error:
            error.message = explain_value(error)
            raise


def explain_value(error: typer.BadParameter) -> str:
    """What is wrong, in words for the person who typed it."""
    from pydantic import ValidationError  # where nothing is wrong nobody waits for it

    from foundation.wrong_values import say_wrong

    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return error.message
    first = cause.errors(include_url=False)[0]
    if first["type"] == "value_error":  # our own words already
        return error.message
    return f"{first['input']!r:.60} {say_wrong(first)}."

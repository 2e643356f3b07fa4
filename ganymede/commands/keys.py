"""`ganymede key`: an API key for a person, and its hash for the service."""

import re
from typing import Annotated

import typer

from ganymede.api_keys import make_key

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command()(key)


def key(
    name: Annotated[str, typer.Argument(help="Whose it is; logs show it.")],
    rate_images_per_s: Annotated[
        str | None, typer.Option(help="This key's own rate, or none.", show_default="the service's")
    ] = None,
    quota_images_per_day: Annotated[
        str | None, typer.Option(help="This key's own quota, or none.", show_default="the service's")
    ] = None,
) -> None:
    """Make an API key. It is shown this once: only its hash is kept, in GANYMEDE_API_KEYS."""
    from service.access.keys import parse_keys
    from service.settings import WrongSetting

    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a name has letters, digits, dots, dashes and underscores, 64 at most")
    bounds = {"rate_images_per_s": rate_images_per_s, "quota_images_per_day": quota_images_per_day}
    made, entry = make_key(name)
    bare = entry
    for bound, value in bounds.items():
        if value is None:
            continue
        try:
            parse_keys(f"{bare}:{bound}={value}")
        except WrongSetting:
            hint = f"--{bound.replace('_', '-')}"
            raise typer.BadParameter("a number of images, more than 0, or none", param_hint=hint) from None
        entry += f":{bound}={value}"  # no space: it is pasted into a shell
    typer.echo(f"For {name}, shown this once:\n  {made}\nFor GANYMEDE_API_KEYS:\n  {entry}")

"""`ganymede key`: an API key for a person, and its hash for the service."""

import hashlib
import re
import secrets
from typing import Annotated

import typer

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command()(key)


def key(name: Annotated[str, typer.Argument(help="Whose it is; logs show it.")]) -> None:
    """Make an API key. It is shown this once: only its hash is kept, in GANYMEDE_API_KEYS."""
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a name has letters, digits, dots, dashes and underscores, 64 at most")
    made = f"gmd_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(made.encode()).hexdigest()
    typer.echo(f"For {name}, shown this once:\n  {made}\nFor GANYMEDE_API_KEYS:\n  {name}:{digest}")

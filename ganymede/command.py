"""`ganymede`: every command of the project under one name."""

import sys

import typer
from rich.console import Console

from ganymede import (
    bench,
    directions,
    evaluation,
    importing,
    keys,
    pictures,
    serving,
    signing,
    store,
    training,
)
from service.errors import GanymedeError

app = typer.Typer(
    name="ganymede",
    help="Train a GAN, ship it as an API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (serving, pictures, directions, store, signing, importing, training, evaluation, keys, bench):
    part.add_commands(app)


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error and exit status 1."""
    try:
        app()
    except GanymedeError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"ganymede: {error}", markup=False)
        sys.exit(1)

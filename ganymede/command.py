"""`ganymede`: every command of the project under one name."""

import io
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from foundation.errors import GanymedeError
from foundation.version import read_version
from ganymede.commands import (
    addresses,
    bench,
    deployment,
    directions,
    encoders,
    enlarging,
    evaluation,
    exporting,
    importing,
    keys,
    pictures,
    planning,
    promotion,
    serving,
    signing,
    store,
    training,
    walks,
)
from ganymede.extras import explain_missing
from ganymede.refusals import MachineRefuses, explain_refusal, is_refusal
from ganymede.wrong_options import PlainGroup

app = typer.Typer(
    name="ganymede",
    cls=PlainGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (
    serving,
    pictures,
    walks,
    directions,
    store,
    promotion,
    signing,
    importing,
    planning,
    training,
    exporting,
    evaluation,
    encoders,
    enlarging,
    keys,
    addresses,
    deployment,
    bench,
):
    part.add_commands(app)


def print_version(asked: bool) -> None:  # noqa: FBT001  # typer's callback
    """Print the version and end, where `--version` was given."""
    if asked:
        typer.echo(f"ganymede {read_version()}")
        raise typer.Exit


@app.callback(help="Train a GAN, ship it as an API.")
def take_options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """Take what is said before a command."""


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error and exit status 1."""
    write_escapes()
    try:
        app()
    except GanymedeError as error:
        complain(error)
    except ModuleNotFoundError as error:
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        missing = explain_missing(error, command)
        if missing is None:
            raise
        complain(missing)
    except (OSError, MemoryError) as error:
        if not is_refusal(error):
            raise
        complain(MachineRefuses(explain_refusal(error)))


def complain(error: GanymedeError) -> NoReturn:
    """Say on standard error what went wrong, in one sentence, and end with status 1."""
    with suppress(OSError):  # it may be what is full
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"ganymede: {error}", markup=False)
    sys.exit(1)


def write_escapes() -> None:
    r"""Let what the output's encoding lacks come out as `\xe9`, where Python would end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

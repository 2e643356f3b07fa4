"""`ganymede plan`: what a set of pictures is worth, and what a run on it takes, before anything is spent."""

from typing import Annotated

import typer

from ganymede.commands.runs import DataFolderOption, explained
from ganymede.opening import open_models
from ganymede.options import ModelsOption


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(plan)


def plan(
    source: Annotated[str, typer.Argument(help="A folder of pictures, or what train takes as --data.")],
    preset: Annotated[str, typer.Option(help="The networks and their recipe.")] = "modern",
    data_folder: DataFolderOption = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, any number of times.")
    ] = None,
    *,
    probe: Annotated[
        bool, typer.Option(help="Time a few batches, after compiling: a minute or so, three at most.")
    ] = True,
    models: ModelsOption = "models",
    json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Look through pictures: what is in them, which recipe, what it takes, what to expect. Trains nothing."""
    from rich.console import Console

    with explained():
        from training.plan.plan import make_plan
        from training.plan.words import describe_plan

        made = make_plan(
            source,
            preset=preset,
            settings=overrides or [],
            data_folder=data_folder,
            probed=probe,
            console=Console(stderr=True),
            store=open_models(models),
        )
    typer.echo(made.model_dump_json(indent=2) if json else describe_plan(made))

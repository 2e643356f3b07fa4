"""`ganymede train`: from pictures to a run."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ganymede.commands.preset_help import PresetHelp
from ganymede.commands.runs import DataFolderOption, FeaturesOption, explained, read_run_folder
from ganymede.opening import open_models
from ganymede.options import ModelsOption
from ganymede.tensorflow_loading import load_tensorflow


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command(cls=PresetHelp)(train)


def train(
    preset: Annotated[
        str, typer.Option(help="The networks and their recipe; they are listed below.")
    ] = "dcgan",
    data: Annotated[
        str | None,
        typer.Option(help="A set's name, folder:PATH, npz:PATH, idx:PATH or s3://…; or the preset's."),
    ] = None,
    data_folder: DataFolderOption = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="The run's folder; an existing one goes on.", parser=read_run_folder, metavar="PATH"
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of those below, any number of times.")
    ] = None,
    features: FeaturesOption = None,
    begin: Annotated[
        str | None,
        typer.Option("--from", help="Begin with a release's weights, MODEL[@VERSION], or a run's folder."),
    ] = None,
    models: ModelsOption = "models",
) -> None:
    """Train a generator. Ctrl-C saves; the same command with --run goes on."""
    from rich.console import Console

    with explained():
        from training.config import override
        from training.presets import find_preset

        named = {"data": data, "features": features}
        settings = [*(f"{key}={value}" for key, value in named.items() if value), *(overrides or [])]
        configuration = override(find_preset(preset).defaults, settings)
        load_tensorflow()  # it takes seconds: wrong options go first
        from training.train import train as train_run

        name = f"{preset}-{_slug(configuration.data)}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        folder = run or Path("runs") / name
        origin = None if begin is None else read_origin(begin, models, preset)
        outcome = train_run(
            configuration,
            folder,
            data_folder=data_folder,
            console=Console(),
            speaks=True,
            origin=origin,
        )
    if not outcome.interrupted:
        typer.echo(f"Trained. Next: ganymede export {shlex.quote(str(folder))}")


def read_origin(begin: str, models: str, preset: str) -> Any:
    """Return the weights of a run's folder, or of a release in the store `models`, to begin from."""
    from foundation.store import parse_reference, resolve_version
    from training.launch.origin import read_release, read_run

    folder = Path(begin)
    if (folder / "config.json").exists() or re.search(r"[/\\]", begin):
        return read_run(read_run_folder(begin))
    store, reference = open_models(models), parse_reference(begin)
    return read_release(store, store.manifest(reference.model, resolve_version(store, reference)), preset)


def _slug(data: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[:40] or "data"

"""`ganymede models` and `ganymede promote`: looking into the store and moving its aliases."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.store import PRODUCTION, open_store
from service.store import promote as promote_version

StoreOption = Annotated[str, typer.Option("--models", envvar="GANYMEDE_MODELS", help="The model store.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command("models")(list_models)
    app.command()(promote)


def list_models(models: StoreOption = "models") -> None:
    """List the models of a store with their versions."""
    store = open_store(models)
    table = Table("model", "version", "aliases", "created", "image", "latent", "MB", box=None)
    for name in store.models():
        aliases = store.aliases(name).entries
        for version in store.versions(name):
            manifest = store.manifest(name, version)
            image = manifest.image
            table.add_row(
                name,
                version,
                ", ".join(alias for alias, entry in aliases.items() if entry.version == version),
                f"{manifest.created_at:%Y-%m-%d %H:%M}",
                f"{image.height}×{image.width}×{image.channels}",
                str(manifest.latent.size),
                f"{sum(file.size_bytes for file in manifest.files) / 1e6:.1f}",
            )
    Console().print(table if table.row_count else f"There is no model in {store.location} yet.")


def promote(
    model: Annotated[str, typer.Argument(help="The model's name.")],
    version: Annotated[str, typer.Argument(help="One of its versions.")],
    alias: Annotated[str, typer.Option(help="What shall point there.")] = PRODUCTION,
    models: StoreOption = "models",
) -> None:
    """Point an alias of a model, production unless said otherwise, at one of its versions."""
    promote_version(open_store(models), model, version, alias=alias)
    typer.echo(f"{model}@{alias} is {version} now.")

"""`ganymede models` and `verify`: looking into the store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.table import Table

from foundation.errors import StoreError
from foundation.manifest import REFERENCE_GRAPH, Manifest
from foundation.store import Alias, Sent, Store, open_store, parse_reference, resolve_version
from foundation.store.aliases import Aliases
from foundation.store.trusted import TrustedStore
from ganymede.arguments import read_path
from ganymede.commands.bars import make_bar
from ganymede.opening import open_models
from ganymede.options import ModelsOption
from service.releases.default_model import raise_if_away

Answer = TypeVar("Answer")
MAX_BROKEN = 20
_ARITHMETIC = {
    "float": "float, the same bytes on machines alike; other processors may round some pixels otherwise",
    "exact": "exact, the same pixels on every machine",
}
WIDEST = 10_000
"""Columns of a table that nobody looks at in a terminal."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command("models")(list_models)
    app.command()(verify)


def list_models(models: ModelsOption = "models") -> None:
    """List the models of a store: versions, their pictures' sides, aliases, figures and sizes."""
    store = open_store(models)
    table = Table(box=None)
    for column in ("model", "version", "aliases", "created", "pictures", "MB", "arithmetic", "distance"):
        table.add_column(column, no_wrap=True, justify="right" if column == "MB" else "left")
    console = Console()
    if not console.is_terminal:  # what goes into a file or a pipe is not cut at the width of a terminal
        console = Console(width=WIDEST)
    broken: list[str] = []
    with console.status(f"Reading {store.location}"):
        for name in store.models():
            broken += _add_versions(table, store, name)
    if not table.row_count and not broken:
        console.print(f"There is no model in {store.location} yet.")
        return
    if table.row_count:
        console.print(table)
    for sentence in broken[:MAX_BROKEN]:
        typer.echo(f"ganymede: {sentence}", err=True)
    if broken:
        raise typer.Exit(1)


def verify(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(
            parser=read_path,
            metavar="PATH",
            help="A public key in PEM; one of those given must have signed it.",
        ),
    ] = None,
    models: ModelsOption = "models",
) -> None:
    """Check a release as a service would before serving it: signature, sums, graph and golden check."""
    import onnx

    from foundation.grid.proof import prove_exact
    from foundation.processor import recorded_here
    from service.engine.cores import usable_cores
    from service.engine.devices import cpu_device
    from service.releases.golden import describe_golden
    from service.releases.opening import check_files, open_release

    store = open_models(models, key or ())
    reference = parse_reference(model)
    version = resolve_version(store, reference)
    manifest = store.manifest(reference.model, version)
    if isinstance(store, TrustedStore):
        typer.echo("signature: of a trusted key, over the manifest and the sums of its files")
    with make_bar(transient=True) as bar:
        for file in bar.track(check_files(store, manifest), len(manifest.files), description="Checking sums"):
            typer.echo(f"{file.path}: {file.size_bytes:,} bytes, sha256 as recorded")
    release = open_release(store, reference.model, version, cpu_device(usable_cores()))
    typer.echo("graph: holds all its weights, needs no operators but ONNX Runtime's, fits the manifest")
    typer.echo(f"golden check: {len(manifest.golden.seeds)} seeds, {describe_golden(release.golden)}")
    typer.echo(f"arithmetic: {_ARITHMETIC[manifest.arithmetic]}")
    if manifest.arithmetic == "exact":
        proof = prove_exact(onnx.load_model_from_string(store.read(manifest, REFERENCE_GRAPH)))
        typer.echo(
            f"proof: of {proof.sums} sums of {proof.channels:,} channels none passes 2^24 steps of its grid; "
            f"the largest may reach {100 * proof.worst:.1f} %"
        )
    if recorded := manifest.golden.recorded_on:
        typer.echo(f"recorded on: {recorded.processor}, ONNX Runtime {recorded.onnxruntime}")
        here = recorded_here()
        typer.echo(f"checked on: {here.processor}, ONNX Runtime {here.onnxruntime}")
    typer.echo(f"{manifest.reference} is good.")


@contextmanager
def upload_bar() -> Iterator[Sent]:
    """A progress bar for an upload, which shows itself with the first bytes that are sent."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with make_bar(*columns, transient=True) as progress:
        tasks = {}

        def sent(path: str, done_bytes: int, size_bytes: int) -> None:
            if path not in tasks:
                tasks[path] = progress.add_task(path, total=size_bytes)
            progress.update(tasks[path], completed=done_bytes)

        yield sent


def _add_versions(table: Table, store: Store, name: str) -> list[str]:
    """Add a model's versions to the table; return what is wrong with it, which is no other's trouble."""
    broken: list[str] = []

    def look(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return ask()
        except StoreError as error:
            raise_if_away(store, error)
            broken.append(str(error))
            return otherwise

    aliases = look(lambda: store.aliases(name), Aliases()).entries
    versions: list[str] = look(lambda: store.versions(name), [])
    for version in versions:
        manifest = look(partial(store.manifest, name, version), None)
        if manifest is None:
            continue
        table.add_row(
            name,
            version,
            ", ".join(_name_aliases(aliases, version)),
            f"{manifest.created_at:%Y-%m-%d}",
            f"{manifest.image.width}x{manifest.image.height}",
            f"{sum(file.size_bytes for file in manifest.files) / 1e6:.1f}",
            manifest.arithmetic,
            _describe_distance(manifest),
        )
    return broken


def _name_aliases(aliases: Mapping[str, Alias], version: str) -> Iterator[str]:
    """The aliases that mean `version`, and those that try it out, with the share."""
    for alias, entry in aliases.items():
        if entry.version == version:
            yield alias
        elif entry.trial is not None and entry.trial.version == version:
            yield f"{alias} ({entry.trial.describe()})"


def _describe_distance(manifest: Manifest) -> str:
    """The release's Fréchet distance under its full name, which says in which feature space it was taken."""
    distances = (
        f"{name} {value:.4g}"
        for name, value in manifest.metrics.items()
        if name.startswith("fd_") and not name.endswith("_real")
    )
    return next(distances, "")

"""`ganymede models`, `promote`, `rollback` and `verify`: looking into the store and moving its aliases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from foundation.errors import StoreError
from foundation.manifest import REFERENCE_GRAPH, Manifest
from foundation.store import PRODUCTION, Sent, Store, open_store, parse_reference, resolve_version
from foundation.store import promote as promote_version
from foundation.store import rollback as rollback_alias
from foundation.store.aliases import Aliases
from foundation.store.trusted import TrustedStore
from ganymede.opening import open_models
from ganymede.options import ModelsOption
from service.releases.default_model import raise_if_away

NameArgument = Annotated[str, typer.Argument(help="The model's name.")]
Answer = TypeVar("Answer")
MAX_BROKEN = 20
_ARITHMETIC = {
    "float": "float, the same bytes on machines alike; other processors may round some pixels otherwise",
    "exact": "exact, the same pixels on every machine",
}
WIDEST = 10_000
"""Columns of a table that nobody looks at in a terminal."""
AliasOption = Annotated[str, typer.Option(help="What shall point there.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command("models")(list_models)
    app.command()(promote)
    app.command()(rollback)
    app.command()(verify)


def list_models(models: ModelsOption = "models") -> None:
    """List the models of a store: versions, aliases, figures and sizes."""
    store = open_store(models)
    table = Table(box=None)
    for column in ("model", "version", "aliases", "created", "MB", "arithmetic", "distance"):
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


def promote(
    model: NameArgument,
    version: Annotated[str, typer.Argument(help="One of its versions.")],
    alias: AliasOption = PRODUCTION,
    models: ModelsOption = "models",
) -> None:
    """Point an alias of a model, production unless said otherwise, at one of its versions."""
    point_alias(open_models(models), model, version, alias)


def point_alias(store: Store, model: str, version: str, alias: str) -> None:
    """Let `alias` of `model` be `version`, once its manifest can be read (and is trusted), and say so."""
    if version in store.versions(model):
        store.manifest(model, version)
    promote_version(store, model, version, alias=alias)
    typer.echo(f"{model}@{alias} is {version} now.")


def rollback(model: NameArgument, alias: AliasOption = PRODUCTION, models: ModelsOption = "models") -> None:
    """Point an alias of a model back at its previous version; a second time returns."""
    before, now = rollback_alias(open_store(models), model, alias=alias)
    typer.echo(f"{model}@{alias} is {now} again, it was {before}.")


def verify(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(help="A public key in PEM; one of those given must have signed it."),
    ] = None,
    models: ModelsOption = "models",
) -> None:
    """Check a release as a service would before serving it: signature, sums, graph and golden check."""
    import onnx
    from rich.progress import track

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
    sums = track(
        check_files(store, manifest),
        "Checking sums",
        total=len(manifest.files),
        transient=True,
        console=_errors(),
    )
    for file in sums:
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
    with Progress(*columns, transient=True, console=_errors()) as progress:
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
            ", ".join(alias for alias, entry in aliases.items() if entry.version == version),
            f"{manifest.created_at:%Y-%m-%d}",
            f"{sum(file.size_bytes for file in manifest.files) / 1e6:.1f}",
            manifest.arithmetic,
            _describe_distance(manifest),
        )
    return broken


def _describe_distance(manifest: Manifest) -> str:
    """The release's Fréchet distance under its full name, which says in which feature space it was taken."""
    distances = (
        f"{name} {value:.4g}"
        for name, value in manifest.metrics.items()
        if name.startswith("fd_") and not name.endswith("_real")
    )
    return next(distances, "")


def _errors() -> Console:
    return Console(stderr=True)

"""`ganymede enlarge`: a model's next version draws the same pictures twice as large."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.errors import GanymedeError
from foundation.signatures import check_private_key
from ganymede.commands.promotion import point_alias
from ganymede.commands.runs import DataFolderOption, explained, read_run_folder
from ganymede.opening import open_models, sign_new
from ganymede.options import ModelArgument, ModelsOption, PromoteOption, SignOption
from ganymede.stopping import STOPPED
from ganymede.tensorflow_loading import load_tensorflow, require_tensorflow

if TYPE_CHECKING:
    from foundation.manifest import Manifest
    from foundation.store import Store
    from training.enlarger.enlarging import Enlarged

MOST_SIDE = 1024
"""Pixels that a picture may have on a side here."""


class WorseThanInterpolation(GanymedeError):
    """An enlarger that nobody should be served by was to be promoted; its version is published."""

    code = "worse-than-interpolation"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(enlarge)


def enlarge(
    model: ModelArgument,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, any number of times: steps, channels, blocks and others."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="The pictures to learn from; the model's own training set unless given."),
    ] = None,
    data_folder: DataFolderOption = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=4, help="4 gives pictures in colour a transparent ground."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Where the enlarger learns.", parser=read_run_folder, metavar="PATH"),
    ] = None,
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
) -> None:
    """Publish a new version of a model that draws its pictures twice as large, and sharp. Ctrl-C saves.

    A small network behind the generator learns from the training set how small pictures become large ones.
    """
    require_tensorflow()
    with explained():
        from training.config import override
        from training.enlarger.settings import EnlargerSettings

        settings = override(EnlargerSettings(), overrides or [])
    from rich.console import Console

    from foundation.store import next_version, parse_reference, resolve_version
    from training.run.paths import RunPaths

    store, reference = open_models(models), parse_reference(model)
    manifest = store.manifest(reference.model, resolve_version(store, reference))
    with explained():
        from training.enlarger.pairs import double

        folder = RunPaths(run or Path("runs") / f"enlarger-{manifest.name}-{manifest.version}")
        double(manifest.image, channels)  # what cannot be is refused before anything takes seconds
        if sign:
            check_private_key(sign)
        load_tensorflow()
        from training.enlarger.enlarging import describe_figures, is_worse
        from training.enlarger.releases import Source, enlarge_release

        source = Source(data, data_folder, channels)
        enlarged = enlarge_release(store, manifest, folder, settings, source, Console())
    if enlarged is None:
        raise typer.Exit(STOPPED)
    typer.echo(describe_figures(enlarged.report.figures))
    if enlarged.report.price:
        typer.echo(f"exact: proven; it costs {enlarged.report.price}")
    published = _publish(store, manifest, enlarged, next_version(store, manifest.name), sign)
    image = published.image
    typer.echo(
        f"{published.reference}: the pictures of {manifest.reference} in {image.width}x{image.height}."
    )
    if promote and is_worse(enlarged.report.figures):
        raise WorseThanInterpolation(
            f"{published.reference} is published, and {promote} stays where it is: the enlarger is worse "
            f"than interpolation. To point it there all the same: ganymede promote {published.name} "
            f"{published.version} --alias {promote}"
        )
    if promote:
        point_alias(open_models(models), published.name, published.version, promote)
    if 4 * max(manifest.image.height, manifest.image.width) <= MOST_SIDE:
        typer.echo(f"Larger still: ganymede enlarge {published.reference}")


def _publish(
    store: "Store", manifest: "Manifest", enlarged: "Enlarged", version: str, sign: Path | None
) -> "Manifest":
    from foundation.manifest import REFERENCE_GRAPH
    from foundation.store import describe_file
    from ganymede.commands.directions import draw_strips
    from service.engine.cores import usable_cores
    from service.engine.devices import cpu_device
    from service.engine.generator import Generator
    from service.requests.directions import DIRECTIONS_FILE, read_directions
    from training.enlarger.releases import write_release

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        published, files = write_release(store, manifest, enlarged, version, folder)
        if DIRECTIONS_FILE in files:
            generator = Generator(published, files[REFERENCE_GRAPH].read_bytes(), cpu_device(usable_cores()))
            strips = draw_strips(folder, generator, published, read_directions(store, manifest))
            files |= {path: folder / path for path in strips}
            entries = (*published.files, *(describe_file(folder / path) for path in strips))
            published = published.model_copy(update={"files": entries})
        store.publish(published, files, signature=sign_new(published, sign))
    return published

"""`ganymede encoder`: teach a generator to find pictures in its latent space."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.signatures import check_private_key
from ganymede.arguments import read_text
from ganymede.commands.promotion import point_alias
from ganymede.commands.runs import (
    DataFolderOption,
    FeaturesOption,
    explained,
    load_tensorflow_for,
    read_run_folder,
)
from ganymede.opening import open_models, sign_new
from ganymede.options import ModelsOption, PromoteOption, SignOption
from ganymede.stopping import STOPPED
from ganymede.tensorflow_loading import load_tensorflow, require_tensorflow

if TYPE_CHECKING:
    from foundation.manifest import Manifest
    from training.encoder.settings import EncoderSettings, Source
    from training.export.projection import ProjectionReport


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(encoder)


def encoder(
    subject: Annotated[
        str,
        typer.Argument(
            help="The folder of an exported run, or a release, MODEL[@VERSION].",
            metavar="RUN|MODEL",
            parser=read_text,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, any number of times: steps, refining_steps and others."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Of a release: the pictures to learn from; its own training set unless given."),
    ] = None,
    data_folder: DataFolderOption = None,
    features: FeaturesOption = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Of a release: where its encoder learns.", parser=read_run_folder, metavar="PATH"),
    ] = None,
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
) -> None:
    """Teach an encoder, so that /project finds pictures in a generator's latent space. Ctrl-C saves.

    Of a run the next publication has it; of a release the next version is published with it.
    """
    require_tensorflow()
    with explained():
        from training.config import override
        from training.encoder.settings import EncoderSettings, Source

        settings = override(EncoderSettings(), overrides or [])
    folder = Path(subject)
    if (folder / "config.json").exists() or re.search(r"[/\\]", subject):
        if data or run or promote or sign:
            raise typer.BadParameter(
                "A run has its own pictures and folder, and is published by ganymede publish: --data, --run, "
                "--promote and --sign are for releases.",
                param_hint="RUN",
            )
        _encode_run(read_run_folder(subject), settings, data_folder, features)
    else:
        with explained():
            source = Source(data, data_folder)
            published = _encode_release(subject, settings, source, features, run, models, sign)
        if published is None:
            raise typer.Exit(STOPPED)
        typer.echo(f"{published.reference}: the same pictures as {subject}, and an encoder.")
        if promote:
            point_alias(open_models(models), published.name, published.version, promote)


def _encode_run(
    folder: Path, settings: "EncoderSettings", data_folder: Path | None, features: Path | None
) -> None:
    from rich.console import Console

    with explained():
        load_tensorflow_for(folder)
        from training.encoder.runs import encode_run

        report = encode_run(folder, settings, data_folder=data_folder, features=features, console=Console())
    if report is None:
        raise typer.Exit(STOPPED)
    _show(report, folder)
    typer.echo(f"Next: ganymede publish {shlex.quote(str(folder))} --name NAME")


def _encode_release(
    text: str,
    settings: "EncoderSettings",
    source: "Source",
    features: Path | None,
    folder: Path | None,
    models: str,
    sign: Path | None,
) -> "Manifest | None":
    """Return what was published; None where the training was stopped."""
    from rich.console import Console

    from foundation.store import next_version, parse_reference, resolve_version
    from training.run.paths import RunPaths

    store, reference = open_models(models), parse_reference(text)
    manifest = store.manifest(reference.model, resolve_version(store, reference))
    run = RunPaths(folder or Path("runs") / f"encoder-{manifest.name}-{manifest.version}")
    if sign:
        check_private_key(sign)
    load_tensorflow()
    from training.encoder.releases import encode_release, publish_encoded

    report = encode_release(store, manifest, run, settings, source, features=features, console=Console())
    if report is None:
        return None
    _show(report, run.folder)
    version = next_version(store, manifest.name)
    return publish_encoded(store, manifest, run, report, version, lambda published: sign_new(published, sign))


def _show(report: "ProjectionReport", folder: Path) -> None:
    """Say how near real pictures come."""
    from training.encoder.figures import describe_figures

    typer.echo(describe_figures(report.projection.figures, report.measured_on))
    typer.echo(f"{folder / 'export' / 'reconstructions.png'}: real pictures, and below each what was found.")

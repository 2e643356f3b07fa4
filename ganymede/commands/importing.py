"""`ganymede import`: a generator from anywhere becomes a release."""

import shlex
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ganymede.arguments import read_path, read_text
from ganymede.commands.promotion import point_alias
from ganymede.commands.store import upload_bar
from ganymede.opening import open_models, sign_new
from ganymede.options import LicenceOption, ModelsOption, NameOption, PromoteOption, SignOption, VersionOption


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command("import")(import_graph)


def import_graph(
    file: Annotated[
        Path, typer.Argument(parser=read_path, help="An ONNX graph, such as torch.onnx.export writes.")
    ],
    name: NameOption,
    version: VersionOption = None,
    licence: LicenceOption = "unstated",
    classes: Annotated[
        str | None,
        typer.Option(parser=read_text, help="Names of the classes, as a,b,c, or how many there are."),
    ] = None,
    value_range: Annotated[
        str | None, typer.Option("--range", help="Black and white: -1,1 or 0,1 or 0,255.")
    ] = None,
    layout: Annotated[str | None, typer.Option(help="Of the output: nchw or nhwc.")] = None,
    latent: Annotated[str | None, typer.Option(help="Which input is the latent.")] = None,
    label: Annotated[str | None, typer.Option(help="Which input is the class.")] = None,
    output: Annotated[str | None, typer.Option(help="Which output is the image.")] = None,
    distribution: Annotated[str, typer.Option(help="Of the latent: normal or uniform.")] = "normal",
    scheme: Annotated[
        str, typer.Option(help="Seeds to latents: philox-1, or numpy-randomstate-1 as StyleGAN's scripts.")
    ] = "philox-1",
    exact: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option(
            "--exact", help="The same pixels on every machine: on a grid, at a price that is shown."
        ),
    ] = False,
    max_mean_levels: Annotated[
        float, typer.Option(min=0, max=255, help="What --exact may cost, in levels of 255 on average.")
    ] = 4.0,
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
) -> None:
    """Import a generator: find its inputs, layout and range, wrap it, check it and publish it."""
    from foundation.store import next_version, open_store
    from foundation.store.twins import describe_twin
    from ganymede.imports.release import prepare_release
    from ganymede.imports.wishes import Wishes

    wishes = Wishes(
        classes=classes,
        value_range=value_range,
        layout=layout,
        latent=latent,
        label=label,
        output=output,
        distribution=distribution,
        scheme=scheme,
        exact=exact,
        max_mean_levels=max_mean_levels,
    )
    with upload_bar() as sent, tempfile.TemporaryDirectory() as folder:
        store = open_store(models, sent=sent)
        version = version or next_version(store, name)
        with Console(stderr=True).status(f"Reading and checking {file}"):
            prepared = prepare_release(
                file, wishes, Path(folder), name=name, version=version, licence=licence
            )
        typer.echo(prepared.description)
        signature = sign_new(prepared.manifest, sign)
        store.publish(prepared.manifest, prepared.files, signature=signature)
    typer.echo(f"Published {name}@{version} in {store.location}.")
    if said := describe_twin(store, prepared.manifest):
        typer.echo(said)
    if promote:
        point_alias(open_models(models), name, version, promote)
    else:
        typer.echo(f"Next: ganymede promote {name} {version} --models {shlex.quote(models)}")

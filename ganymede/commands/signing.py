"""`ganymede sign`: a signature for a version that is published already."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from ganymede.arguments import read_path
from ganymede.options import ModelsOption


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(sign)


def sign(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")],
    key: Annotated[
        Path,
        typer.Option(
            parser=read_path,
            metavar="PATH",
            help="A private key in PEM on the curve P-256, P-384 or P-521.",
        ),
    ],
    models: ModelsOption = "models",
) -> None:
    """Sign a release once its sums are right; the signature is added once and never changes."""
    from foundation.signatures import SIGNATURE_FILE, sign_manifest
    from foundation.store import open_store, parse_reference, resolve_version
    from foundation.store.publication import parse_manifest
    from service.releases.opening import check_files

    store = open_store(models)
    reference = parse_reference(model)
    version = resolve_version(store, reference)
    text = store.manifest_text(reference.model, version)
    manifest = parse_manifest(text, reference.model, version)
    content = sign_manifest(manifest, text, key)
    sums = track(
        check_files(store, manifest),
        "Checking sums",
        total=len(manifest.files),
        transient=True,
        console=Console(stderr=True),
    )
    checked = sum(1 for _ in sums)
    store.add_signature(manifest, content)
    typer.echo(f"{manifest.reference} is signed: {SIGNATURE_FILE}, over the manifest and {checked} files.")

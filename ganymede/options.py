"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from ganymede.arguments import read_alias, read_licence, read_model_name, read_path, read_version

ModelArgument = Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")]
ModelsOption = Annotated[
    str, typer.Option("--models", envvar="GANYMEDE_MODELS", help="A folder or s3://bucket/prefix.")
]
NameOption = Annotated[
    str, typer.Option("--name", parser=read_model_name, metavar="TEXT", help="The model's name.")
]
VersionOption = Annotated[
    str | None,
    typer.Option(
        "--version", parser=read_version, metavar="TEXT", help="The version; the next vN unless given."
    ),
]
LicenceOption = Annotated[
    str,
    typer.Option(
        "--licence", parser=read_licence, metavar="TEXT", help="Of the model: an SPDX name or a sentence."
    ),
]
PromoteOption = Annotated[
    str | None,
    typer.Option(
        "--promote", parser=read_alias, metavar="TEXT", help="Also point this alias at the version."
    ),
]
SignOption = Annotated[
    Path | None,
    typer.Option(
        "--sign",
        parser=read_path,
        metavar="PATH",
        help="Sign the version with this private key (PEM) as it is published.",
    ),
]

"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ModelArgument = Annotated[str, typer.Argument(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")]
ModelsOption = Annotated[
    str, typer.Option("--models", envvar="GANYMEDE_MODELS", help="A folder or s3://bucket/prefix.")
]
PromoteOption = Annotated[str | None, typer.Option(help="Also point this alias at the version.")]
SignOption = Annotated[
    Path | None,
    typer.Option("--sign", help="Sign the version with this private key (PEM) as it is published."),
]

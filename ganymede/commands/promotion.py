"""`ganymede promote` and `rollback`: moving the store's aliases, for all callers or for some."""

import re
from typing import Annotated

import typer

from foundation.store import PRODUCTION, Store, open_store, try_out
from foundation.store import promote as promote_version
from foundation.store import rollback as rollback_alias
from ganymede.opening import open_models
from ganymede.options import ModelsOption

NameArgument = Annotated[str, typer.Argument(help="The model's name.")]
AliasOption = Annotated[str, typer.Option(help="What shall point there.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(promote)
    app.command()(rollback)


def promote(
    model: NameArgument,
    version: Annotated[str, typer.Argument(help="One of its versions.")],
    alias: AliasOption = PRODUCTION,
    share: Annotated[
        str | None,
        typer.Option(help="Of callers, such as 5%: the alias stays, this version is its canary; 0% ends it."),
    ] = None,
    shadow: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option("--shadow", help="Let the version draw a sample of the same seeds, unseen, to compare."),
    ] = False,
    models: ModelsOption = "models",
) -> None:
    """Point an alias of a model, production unless said otherwise, at one of its versions."""
    store = open_models(models)
    if share is None and not shadow:
        point_alias(store, model, version, alias)
        return
    part = read_share(share or "0%")
    if (part or shadow) and version in store.versions(model):
        store.manifest(model, version)
    canary = try_out(store, model, version, share=part, shadow=shadow, alias=alias)
    if canary is None:
        typer.echo(f"{model}@{alias} has no canary now.")
    else:
        typer.echo(f"{model}@{alias} stays; its canary is {version} now ({canary.describe()}).")


def read_share(text: str) -> float:
    """A share in [0, 1] from what a person writes, `5%`.

    Raises:
        BadParameter: it is none.
    """
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,9})?)\s*%\s*", text)
    if match is None or float(match[1]) > 100:
        raise typer.BadParameter(f"{text[:40]!r}: write a share of callers from 0% to 100%, such as 5%.")
    return float(match[1]) / 100


def point_alias(store: Store, model: str, version: str, alias: str) -> None:
    """Let `alias` of `model` be `version`, once its manifest can be read (and is trusted), and say so."""
    if version in store.versions(model):
        store.manifest(model, version)
    promote_version(store, model, version, alias=alias)
    typer.echo(f"{model}@{alias} is {version} now.")


def rollback(model: NameArgument, alias: AliasOption = PRODUCTION, models: ModelsOption = "models") -> None:
    """Take a promotion back: end the alias's canary if it has one, else go back to its previous version."""
    before, now = rollback_alias(open_store(models), model, alias=alias)
    typer.echo(f"{model}@{alias} is {now} again, it was {before}.")

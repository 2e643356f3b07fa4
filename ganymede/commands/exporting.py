"""`ganymede export` and `publish`: from a run to a release."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganymede.commands.promotion import point_alias
from ganymede.commands.runs import RunArgument, explained, load_tensorflow_for
from ganymede.commands.store import upload_bar
from ganymede.opening import open_models, sign_new
from ganymede.options import LicenceOption, ModelsOption, NameOption, PromoteOption, SignOption, VersionOption


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(export)
    app.command()(publish)


def export(
    run: RunArgument,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="best, last, or a number of batches; the best that was measured unless given."),
    ] = None,
    arithmetic: Annotated[
        str, typer.Option(help="float, or exact: the same pixels on every machine, at a price that is shown.")
    ] = "float",
    tuning_steps: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            help="With exact: so many steps of training on the grid, of 32 pictures each.",
        ),
    ] = 0,
) -> None:
    """Export a run's generator to ONNX and hold it against Keras."""
    if arithmetic not in ("float", "exact"):
        raise typer.BadParameter(f"'{arithmetic}' is neither float nor exact.", param_hint="--arithmetic")
    chosen = None if checkpoint is None else _parse_checkpoint(checkpoint)
    with explained():
        load_tensorflow_for(run)
        from training.export.exporting import export_run, read_export
        from training.run.folder import Run

        exact: Literal["exact", "float"] = "exact" if arithmetic == "exact" else "float"
        with _export_bar(run, tuning_steps) as (turn, tuned):
            path = export_run(
                run, checkpoint=chosen, arithmetic=exact, tuning_steps=tuning_steps, tuned=tuned, turn=turn
            )
        report = read_export(Run(run))
    typer.echo(f"{path}: the same pictures as Keras{'' if report.price is None else ', before the grid'}.")
    if report.price:
        typer.echo(f"exact: proven; it costs {report.price}.")
    typer.echo(f"Next: ganymede publish {shlex.quote(str(run))} --name NAME")
    if not Run(run).encoder_path.exists():
        typer.echo(f"Before it, so that POST /project works: ganymede encoder {shlex.quote(str(run))}")
    if report.best:
        typer.echo(f"Of epoch {report.epochs}, the best: {report.best.figure} {report.best.value:.4g}.")
    elif chosen is None:
        typer.echo(
            f"Of epoch {report.epochs}, the last; ganymede rank measures all that are kept, for the best."
        )


def publish(
    run: RunArgument,
    name: NameOption,
    version: VersionOption = None,
    licence: LicenceOption = "unstated",
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
    *,
    weights: Annotated[
        bool, typer.Option(help="Give the weights of both networks along, for others to train on from.")
    ] = True,
    encoder: Annotated[
        bool, typer.Option(help="Give what ganymede encoder made along, if it made something.")
    ] = True,
    max_copied: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Refuse where a larger share of the drawings copies training pictures, say 0.02.",
        ),
    ] = None,
) -> None:
    """Publish an exported run as a new version of a model."""
    from foundation.store import next_version, open_store
    from foundation.store.twins import describe_twin

    with upload_bar() as sent, explained():
        load_tensorflow_for(run)
        from training.export.publication import publish_run

        store = open_store(models, sent=sent)
        version = version or next_version(store, name)
        published = publish_run(
            run,
            store,
            name=name,
            version=version,
            licence=licence,
            sign=lambda manifest: sign_new(manifest, sign),
            weights=weights,
            encoder=encoder,
            max_copied=max_copied,
        )
    typer.echo(f"Published {name}@{version} in {store.location}.")
    if said := describe_twin(store, published):
        typer.echo(said)
    if promote:
        point_alias(open_models(models), name, version, promote)


@contextmanager
def _export_bar(
    run: Path, steps: int
) -> Iterator[tuple[Callable[[str], None], Callable[[int, float], None]]]:
    """Show what is done, and training on the grid with its first step; off a terminal lines say it.

    It yields what is told of what is done now, and of steps on the grid.
    """
    from ganymede.commands.bars import make_bar
    from training.activity import Lines, plain

    with make_bar(transient=True) as progress:
        task = progress.add_task("Exporting", total=None)

        def turn(what: str) -> None:
            progress.update(task, description=what)

        def show(step: int, loss: float) -> None:
            progress.update(task, description=f"On the grid, {loss:.2f} levels²", total=steps, completed=step)

        if not progress.disable:
            yield turn, show
            return
        say = plain(progress.console)
        say(f"Exporting {run} …")
        with Lines(say, "Exporting", said=True) as lines:
            yield (
                lines.turn_to,
                lambda step, loss: lines.turn_to(
                    "Training on the grid", f", {step:,} of {steps:,}, {loss:.2f} levels²"
                ),
            )


def _parse_checkpoint(word: str) -> Literal["best", "last"] | int:
    if word == "best":
        return "best"
    if word == "last":
        return "last"
    if word.isdecimal():
        return int(word)
    raise typer.BadParameter(f"'{word}' is none of best, last or a number.", param_hint="--checkpoint")

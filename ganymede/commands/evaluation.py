"""`ganymede evaluate`, `rank` and `report`: how near the pictures of a run are to real ones."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganymede.commands.runs import (
    DataFolderOption,
    FeaturesOption,
    RunArgument,
    explained,
    load_tensorflow_for,
)

if TYPE_CHECKING:
    from training.run.best import BestCheckpoint


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(evaluate)
    app.command()(rank)
    app.command()(report)


def evaluate(run: RunArgument, features: FeaturesOption = None, data_folder: DataFolderOption = None) -> None:
    """Measure how far an exported run's pictures are from real ones, and how many copy training pictures."""
    from ganymede.commands.bars import tell_steps

    with tell_steps(f"Evaluating {run}") as (tell, say), explained():
        load_tensorflow_for(run)
        from training.evaluation.evaluate import evaluate_run
        from training.metrics import warn_of_few, write_figure

        figures = evaluate_run(run, features=features, data_folder=data_folder, tell=tell, say=say)
    for name, value in figures.items():
        typer.echo(f"{name}  {write_figure(name, value)}")
    if few := warn_of_few(figures):
        typer.echo(few)
    typer.echo(f"The most copied drawings: {run / 'export' / 'copies.png'}.")
    _renew_report(run)


def rank(
    run: RunArgument,
    images: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="How many pictures of each; as the run says.")
    ] = None,
    features: FeaturesOption = None,
    data_folder: DataFolderOption = None,
) -> None:
    """Measure every checkpoint that a run has kept; the best is what export then takes."""
    from ganymede.commands.bars import tell_steps

    with tell_steps(f"Measuring the checkpoints of {run}") as (tell, say), explained():
        load_tensorflow_for(run)
        from training.evaluation.rank import rank_run

        done = 0

        def show(measured: "BestCheckpoint", count: int) -> None:
            nonlocal done
            done += 1
            tell("measuring checkpoints", done, count)
            say(f"batch {measured.step}  epoch {measured.epoch}  {measured.figure} {measured.value:.4g}")

        best = rank_run(
            run,
            features=features,
            images=images,
            data_folder=data_folder,
            measured=show,
        )
    typer.echo(
        f"The best is that after batch {best.step}, epoch {best.epoch}. "
        f"Next: ganymede export {shlex.quote(str(run))}"
    )
    _renew_report(run)


def report(run: RunArgument) -> None:
    """Write RUN/report.html: the run in one file, with its pictures, curves, figures and settings."""
    with explained():
        from training.report import write_report

        typer.echo(write_report(run))


def _renew_report(run: Path) -> None:
    """Write the report anew, with what was measured since the training."""
    with explained():
        from training.report import write_report

        typer.echo(f"{write_report(run)} has them too.")

"""`ganymede evaluate`, `rank` and `report`: how near the pictures of a run are to real ones."""

import shlex
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
    from rich.progress import TaskID

    from training.run.best import BestCheckpoint


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(evaluate)
    app.command()(rank)
    app.command()(report)


def evaluate(run: RunArgument, features: FeaturesOption = None, data_folder: DataFolderOption = None) -> None:
    """Measure how far an exported run's pictures are from real ones, and how many copy training pictures."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from ganymede.commands.bars import make_bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with make_bar(*columns) as progress, explained():
        tasks: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done)

        load_tensorflow_for(run)
        from training.evaluation.evaluate import evaluate_run

        figures = evaluate_run(
            run,
            features=features,
            data_folder=data_folder,
            tell=tell,
            say=lambda sentence: progress.console.print(sentence, highlight=False, markup=False),
        )
    for name, value in figures.items():
        typer.echo(f"{name}  {value:.4f}")
    typer.echo(f"The most copied drawings: {run / 'export' / 'copies.png'}, and ganymede report.")


def rank(
    run: RunArgument,
    images: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="How many pictures of each; as the run says.")
    ] = None,
    features: FeaturesOption = None,
    data_folder: DataFolderOption = None,
) -> None:
    """Measure every checkpoint that a run has kept; the best is what export then takes."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from ganymede.commands.bars import make_bar

    columns = (TextColumn("measuring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with make_bar(*columns) as progress, explained():
        load_tensorflow_for(run)
        from training.evaluation.rank import rank_run

        task = progress.add_task("", total=None)

        def show(measured: "BestCheckpoint", count: int) -> None:
            progress.update(task, total=count, advance=1)
            progress.console.print(
                f"batch {measured.step}  epoch {measured.epoch}  {measured.figure} {measured.value:.4g}",
                highlight=False,
            )

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


def report(run: RunArgument) -> None:
    """Write RUN/report.html: the run in one file, with its pictures, curves, figures and settings."""
    with explained():
        from training.report import write_report

        typer.echo(write_report(run))

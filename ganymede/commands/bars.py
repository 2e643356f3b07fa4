"""The bars of the commands: on a terminal's standard error, and there alone, or lines in their place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

Say = Callable[[str], None]
Tell = Callable[[str, int, int], None]
"""Is told what is done now, how much of it is done, and of how much; 0 where nothing is counted."""


def make_bar(*columns: ProgressColumn, transient: bool = False) -> Progress:
    """Return a bar of `columns`, rich's own unless given; `transient`: it goes when it is done.

    Rich itself ends a bar with an empty line where no terminal shows it.
    """
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=transient, disable=not console.is_interactive)


@contextmanager
def tell_steps(what: str) -> Iterator[tuple[Tell, Say]]:
    """Show what is done in the block, a bar for each thing; elsewhere say it, at the start and at times.

    It yields what is told of it, and what prints a sentence beside it.
    """
    from training.activity import Lines, plain

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with make_bar(*columns) as progress:
        say = plain(progress.console)
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                for task in progress.tasks:  # what nothing was counted of is over
                    progress.update(task.id, visible=task.total is not None)
                tasks[name] = progress.add_task(name, total=total or None)
            progress.update(tasks[name], completed=done)

        if not progress.disable:
            yield show, say
            return
        say(f"{what} …")
        with Lines(say, what, said=True) as lines:
            yield (
                lambda name, done, total: lines.turn_to(name, f", {done:,} of {total:,}" if total else ""),
                say,
            )

"""The bars of the commands: on a terminal's standard error, and nothing at all elsewhere."""

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def make_bar(*columns: ProgressColumn, transient: bool = False) -> Progress:
    """Return a bar of `columns`, rich's own unless given; `transient`: it goes when it is done.

    Rich itself ends a bar with an empty line where no terminal shows it.
    """
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=transient, disable=not console.is_interactive)

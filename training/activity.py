"""What a person waits for, said while it goes on: a spinner or bar on a terminal, else a line at times."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

SILENT_S = 2.0
"""What takes no longer is not spoken of."""
AGAIN_S, GROWTH = 30.0, 0.1
"""After its first line, what goes on is named again after half a minute, or a tenth of its time if that is
longer."""
TICK_S = 0.25

Turn = Callable[[str], None]
"""Is told what is done from now on."""
Count = Callable[[int], None]
"""Is told how many are done."""


class Lines:
    """Says what goes on, in a thread of its own, since who does it has no time: `with Lines(say, what)`.

    It begins after two seconds of silence, or as if it `said` that at the start; each thing has its line, and
    what lasts is said again, ever more seldom.
    """

    def __init__(
        self, say: Callable[[str], None], what: str, *, said: bool = False, silent_s: float = 0.0
    ) -> None:
        """Begin with `what`; two seconds of silence may be more, where few lines are wanted."""
        self._say = say
        self._silent_s = max(SILENT_S, silent_s)
        self._what, self._part, self._said = what, "", said
        self._begun_s = self._turned_s = self._said_s = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="activity", daemon=True)

    def turn_to(self, what: str, part: str = "") -> None:
        """Note that this is done now; of the same thing as before, that it has come so far."""
        if what != self._what:
            self._turned_s, self._said = time.monotonic(), False
        self._what, self._part = what, part

    def __enter__(self) -> "Lines":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(min(TICK_S, SILENT_S)):
            now_s = time.monotonic()
            again_s = max(AGAIN_S, self._silent_s, GROWTH * (now_s - self._begun_s))
            if now_s - self._said_s >= (again_s if self._said else self._silent_s):
                lasted = f", {now_s - self._turned_s:.0f} s so far" if self._said else ""
                self._said, self._said_s = True, now_s
                try:
                    self._say(f"{self._what}{self._part or lasted} …")
                except (
                    OSError,
                    ValueError,
                    SystemExit,
                ):  # nobody listens: who works learns it when it speaks
                    return


@contextmanager
def doing(console: Console, what: str, *, at_once: bool = False) -> Iterator[Turn]:
    """Say what is done in the block; yield what is told of what is done next.

    Off a terminal it is said once it takes longer than two seconds, or `at_once`.
    """
    if console.quiet:
        yield lambda _: None
    elif console.is_terminal:
        with console.status(Text(f"{what} …")) as status:
            yield lambda turned: status.update(Text(f"{turned} …"))
    else:
        say = plain(console)
        if at_once:
            say(f"{what} …")
        with Lines(say, what, said=at_once) as lines:
            yield lines.turn_to


@contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Count]:
    """Say how many of `total` are done; yield what is told how many more are."""
    if console.quiet:
        yield lambda _: None
    elif console.is_terminal:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda more: progress.advance(task, more)
    else:
        done = 0
        with Lines(plain(console), what) as lines:

            def add(more: int) -> None:
                nonlocal done
                done += more
                lines.turn_to(what, f", {done:,} of {total:,}")

            yield add


def plain(console: Console) -> Callable[[str], None]:
    """Return what prints a sentence as it is: a folder may be called [b]."""
    return lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False)

"""What a person sees of a run: a bar on a terminal, a plain line an epoch elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from training.activity import Lines, Turn
from training.run.stats import EpochPart, EpochStats
from training.run.voice import Voice


def training_progress(console: Console) -> Progress:
    """Return the bar: epoch, batches, images/s, both losses (nats), time left; hidden off a terminal."""
    return Progress(
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[images_per_s]:.0f} images/s"),
        TextColumn("G {task.fields[generator_loss]:.3f}  D {task.fields[discriminator_loss]:.3f}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
        console=console,
        disable=not console.is_terminal,
    )


class Bar:
    """The bar of a run that has taken `step` batches; where it is hidden, a `voice` speaks in its place."""

    def __init__(
        self, progress: Progress, step: int, epochs: int, batches_per_epoch: int, voice: Voice | None
    ) -> None:
        self._progress, self._voice = progress, voice
        self._task = progress.add_task(
            "",
            total=epochs * batches_per_epoch,
            completed=step,
            epoch=min(step // batches_per_epoch + 1, epochs),
            epochs=epochs,
            images_per_s=0.0,
            generator_loss=float("nan"),
            discriminator_loss=float("nan"),
            doing="",
        )

    def show(self, epoch: int, part: EpochPart) -> None:
        """Move it to the epoch's (1 is the first) figures so far, and let the voice say what is due."""
        generator_loss, discriminator_loss = (total / part.batches for total in part.loss_sums)
        self._progress.update(
            self._task,
            completed=part.step,
            epoch=epoch,
            images_per_s=part.images_per_s or 0.0,
            generator_loss=generator_loss,
            discriminator_loss=discriminator_loss,
        )
        if self._voice:
            self._voice.follow(epoch, part)

    @contextmanager
    def doing(self, what: str, *, said: bool = False) -> Iterator[Turn]:
        """Show what is done between two batches, in the bar, or say it where it takes longer.

        It yields what is told of what is done next; `said`: this was said already.
        """
        if not self._progress.disable:
            self._show_doing(what)
            try:
                yield self._show_doing
            finally:
                self._show_doing("")
        elif self._voice:
            say, silent_s = self._voice.say, self._voice.silent_s
            with Lines(say, what, said=said, silent_s=silent_s) as lines:
                yield lines.turn_to
        else:
            yield lambda _: None

    def _show_doing(self, what: str) -> None:
        short = what.rpartition(": ")[2]  # the bar says which epoch it is
        self._progress.update(self._task, doing=short, refresh=True)


def describe_stop(step: int, path: str) -> str:
    """Return what is said of a run that was stopped after `step` batches, and saved in `path`."""
    return f"Stopped after batch {step}; saved {path}. Train in the same run folder to go on."


def describe_epoch(stats: EpochStats, epochs: int) -> str:
    """Return the plain line of one epoch."""
    speed = "compiling" if stats.images_per_s is None else f"{stats.images_per_s:.0f} images/s"
    return (
        f"epoch {stats.epoch}/{epochs}  {speed}  "
        f"generator loss {stats.generator_loss:.3f}  "
        f"discriminator loss {stats.discriminator_loss:.3f}  {stats.seconds:.0f} s"
        + "".join(f"  {name} {value:.4g}" for name, value in stats.figures.items())
    )


def describe_measuring(stats: Sequence[EpochStats]) -> str:
    """Return which share of a run's time was spent on measuring its pictures; empty for none."""
    measuring_s = sum(row.measuring_s or 0.0 for row in stats)
    total_s = measuring_s + sum(row.seconds for row in stats)
    times = sum(row.measuring_s is not None for row in stats)
    if not times:
        return ""
    often = "once" if times == 1 else f"{times} times"
    return f"The pictures were measured {often}, in {measuring_s / total_s:.1%} of the time."

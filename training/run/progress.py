"""What a person sees of a run: a bar on a terminal, a plain line an epoch elsewhere."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from training.run.stats import EpochPart, EpochStats


def training_progress(console: Console) -> Progress:
    """Return the bar: epoch, batches, images/s, both losses (nats), time left; hidden off a terminal."""
    return Progress(
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[images_per_s]:.0f} images/s"),
        TextColumn("G {task.fields[generator_loss]:.3f}  D {task.fields[discriminator_loss]:.3f}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def begin_task(progress: Progress, step: int, total_steps: int, epoch: int, epochs: int) -> TaskID:
    """Put the bar of a run that has taken `step` batches, and is in `epoch` (1 is the first), into it."""
    return progress.add_task(
        "",
        total=total_steps,
        completed=step,
        epoch=epoch,
        epochs=epochs,
        images_per_s=0.0,
        generator_loss=float("nan"),
        discriminator_loss=float("nan"),
    )


def show_part(progress: Progress, task: TaskID, epoch: int, part: EpochPart) -> None:
    """Move the bar to the epoch's (1 is the first) figures so far."""
    generator_loss, discriminator_loss = (total / part.batches for total in part.loss_sums)
    progress.update(
        task,
        completed=part.step,
        epoch=epoch,
        images_per_s=part.images_per_s or 0.0,
        generator_loss=generator_loss,
        discriminator_loss=discriminator_loss,
    )


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

"""The training of an encoder: from wherever it stopped, with a bar and an estimate; Ctrl-C saves."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.encoder.learner import Learner
from training.encoder.sessions import Floats
from training.encoder.settings import CHANGEABLE, EncoderSettings
from training.encoder.supply import Supply
from training.errors import DivergenceError, NotFiniteError, RunError
from training.run.checkpoints import Checkpoints
from training.run.differences import name_differences
from training.run.durations import describe_duration
from training.run.folder import replace_text
from training.run.interruption import stop_requests
from training.run.pace import Pace
from training.run.paths import RunPaths

STATES_KEPT = 1
SAVED_EVERY_S = 120.0
SAID_SHARE = 0.1
"""Off a terminal a line comes after each such share of the batches."""
SHOWN_EVERY_S = 0.5


def begin_folder(run: RunPaths, settings: EncoderSettings, drawn: str) -> None:
    """Write with which settings the encoder of a folder learns, and for which drawings.

    Raises:
        RunError: the folder holds one with other settings, or for another generator.
    """
    kept = read_kept(run.encoder_path)
    elsewise = f"Remove {run.encoder_folder} to begin anew."
    if kept is not None:
        before, known = kept
        changed = {name: getattr(settings, name) for name in CHANGEABLE}
        if known != drawn:
            raise RunError(
                f"The encoder in {run.encoder_folder} learnt for another export: its generator drew other "
                f"pictures than this one does. {elsewise}"
            )
        if before.model_copy(update=changed) != settings:
            differences = name_differences(before.model_copy(update=changed), settings)
            raise RunError(f"{run.encoder_path} holds other settings: {differences}. {elsewise}")
    run.encoder_folder.mkdir(parents=True, exist_ok=True)
    content = {"drawn": drawn, "settings": settings.model_dump()}
    replace_text(run.encoder_path, json.dumps(content, indent=2) + "\n")


def read_kept(path: Path) -> tuple[EncoderSettings, str] | None:
    """Return the settings and the drawings of the encoder in a folder; None where there is none.

    Raises:
        RunError: what is said there is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return EncoderSettings.model_validate(content["settings"]), str(content["drawn"])
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RunError(f"{path} is damaged. Remove {path.parent} to begin anew.") from error


class Teaching:
    """The training of one encoder in one folder."""

    def __init__(self, run: RunPaths, learner: Learner, supply: Supply, console: Console) -> None:
        """Fill the encoder from the folder's state, if there is one.

        Raises:
            RunError: the state cannot be restored.
        """
        self.run, self.learner, self.supply, self.console = run, learner, supply, console
        self.checkpoints = Checkpoints(run.encoder_folder, learner, STATES_KEPT)
        self.checkpoints.restore()
        self.pace = Pace(time.monotonic)
        self._estimated = False

    @property
    def step(self) -> int:
        """How many batches it has learnt from."""
        return int(self.learner.step.numpy())

    def go_on(self) -> bool:
        """Learn what is left; whether all of it was learnt, and not stopped by Ctrl-C or SIGTERM.

        Raises:
            DivergenceError: a weight or a figure is no number any more.
            RunError: the state cannot be written.
        """
        total, first = self.supply.settings.steps, self.step
        if first >= total:
            self.say(f"The encoder has learnt its {first:,} batches; --set steps={2 * first} goes on.")
            return True
        if first:
            self.say(f"The encoder goes on after batch {first:,} of {total:,}.")
        with self._bar() as progress, stop_requests() as stopped:
            task = progress.add_task("", total=total, completed=first, figures="")
            try:
                whole = self._learn(total, stopped, lambda figures: self._show(progress, task, figures))
            except NotFiniteError as error:
                rate = self.supply.settings.learning_rate / 2
                raise DivergenceError(
                    f"{error} Remove {self.run.encoder_folder} and try --set learning_rate={rate:g}."
                ) from error
        if not whole:
            self.say(f"Stopped after batch {self.step:,} of {total:,}; the same command goes on from there.")
        return whole

    def _learn(self, total: int, stopped: Callable[[], bool], show: Callable[[str], None]) -> bool:
        saved_s = shown_s = time.monotonic()
        said = self.step
        for step in range(self.step, total):
            batch = self.supply.take(step)
            losses = self.learner.learn(batch.pictures, batch.latents, batch.labels, batch.known).numpy()
            if not np.isfinite(losses).all():
                raise NotFiniteError(f"The encoder's figures are no numbers any more at batch {step + 1}.")
            self.pace.mark(step + 1)
            now_s = time.monotonic()
            if now_s - shown_s > SHOWN_EVERY_S or step + 1 == total:
                shown_s = now_s
                figures = describe_losses(losses, labelled=bool(self.supply.drawing.subject.class_names))
                show(figures)
                if step + 1 - said >= SAID_SHARE * total and not self.console.is_terminal:
                    said = step + 1
                    left_s = self.pace.seconds_left(total)
                    left = f"  about {describe_duration(left_s)} left" if left_s else ""
                    self.say(f"batch {step + 1:,} of {total:,}  {figures}{left}")
            if stopped() or now_s - saved_s > SAVED_EVERY_S or step + 1 == total:
                saved_s = now_s
                self.checkpoints.save(step + 1)
            if stopped():
                return step + 1 == total
        return True

    def _show(self, progress: Progress, task: TaskID, figures: str) -> None:
        progress.update(task, completed=self.step, figures=figures)
        left_s = self.pace.seconds_left(self.supply.settings.steps)
        if not self._estimated and left_s is not None:
            self._estimated = True
            self.say(f"time: about {describe_duration(left_s)} for what is left of the encoder's training")

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("encoder"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def say(self, sentence: str) -> None:
        """Print a sentence as it is."""
        self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)


def describe_losses(losses: Floats, *, labelled: bool) -> str:
    """Return the figures of a batch, float32 (3,), in words."""
    pixels, latents, labels = losses
    return f"pixels {pixels:.4f}  latents {latents:.3f}" + (f"  labels {labels:.3f}" if labelled else "")

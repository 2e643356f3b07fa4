"""The training of a network beside a generator: from wherever it stopped, with a bar; Ctrl-C saves."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.errors import DivergenceError, NotFiniteError
from training.run.checkpoints import Checkpoints
from training.run.course import Course
from training.run.durations import describe_duration
from training.run.interruption import stop_requests
from training.run.pace import Pace

Floats = NDArray[np.float32]

STATES_KEPT = 1
SAVED_EVERY_S = 120.0
SAID_SHARE = 0.1
"""Off a terminal a line comes after each such share of the batches."""
SHOWN_EVERY_S = 0.5


class Teaching:
    """The training of one network in one folder; its `learner` counts in `step` the batches it knows."""

    def __init__(
        self,
        course: Course,
        learner: tf.Module,
        learn: Callable[[int], Floats],
        describe: Callable[[Floats], str],
        console: Console,
    ) -> None:
        """Fill the network from the folder's state, if there is one.

        `learn` lets it learn the batch of a number and returns its figures, which `describe` puts in words.

        Raises:
            RunError: the state cannot be restored.
        """
        self.course, self.learner, self.console = course, learner, console
        self.learn, self.describe = learn, describe
        self.checkpoints = Checkpoints(course.folder, learner, STATES_KEPT)
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
        name, total, first = self.course.name, self.course.steps, self.step
        if first >= total:
            self.say(f"The {name} has learnt its {first:,} batches; --set steps={2 * first} goes on.")
            return True
        if first:
            self.say(f"The {name} goes on after batch {first:,} of {total:,}.")
        with self._bar() as progress, stop_requests() as stopped:
            task = progress.add_task("", total=total, completed=first, figures="")
            try:
                whole = self._learn(total, stopped, lambda figures: self._show(progress, task, figures))
            except NotFiniteError as error:
                rate = self.course.learning_rate / 2
                raise DivergenceError(
                    f"{error} Remove {self.course.folder} and try --set learning_rate={rate:g}."
                ) from error
        if not whole:
            self.say(f"Stopped after batch {self.step:,} of {total:,}; the same command goes on from there.")
        return whole

    def _learn(self, total: int, stopped: Callable[[], bool], show: Callable[[str], None]) -> bool:
        saved_s = shown_s = time.monotonic()
        said = self.step
        for step in range(self.step, total):
            losses = self.learn(step)
            if not np.isfinite(losses).all():
                raise NotFiniteError(
                    f"The {self.course.name}'s figures are no numbers any more at batch {step + 1}."
                )
            self.pace.mark(step + 1)
            now_s = time.monotonic()
            if now_s - shown_s > SHOWN_EVERY_S or step + 1 == total:
                shown_s = now_s
                figures = self.describe(losses)
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
        left_s = self.pace.seconds_left(self.course.steps)
        if not self._estimated and left_s is not None:
            self._estimated = True
            what = f"what is left of the {self.course.name}'s training"
            self.say(f"time: about {describe_duration(left_s)} for {what}")

    def _bar(self) -> Progress:
        return Progress(
            TextColumn(self.course.name),
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

"""How long a run has still to go: measured on its first batches, and kept true while it goes on."""

import time
from collections.abc import Callable

MEASURED_STEPS, MEASURED_S = 5, 3.0
"""So many batches, and so long, it takes before anything is said: the first batch is spent on compiling."""
MOST_MARKS = 256
RECENT = 2 / 3
"""What happened in the last two thirds of the time counts: a machine that gets other work is noticed."""


class Pace:
    """Takes marks of how many batches are done, and says how long the rest takes.

    What lies between the batches (figures, samples, checkpoints) is in the time, as it will be later on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: list[tuple[float, int]] = []

    def mark(self, step: int) -> None:
        """Note that `step` batches are done now."""
        self._marks.append((self._clock(), step))
        if len(self._marks) > MOST_MARKS:
            self._marks[1:-1] = self._marks[1:-1:2]

    @property
    def steps_measured(self) -> int:
        """How many batches were measured."""
        return self._marks[-1][1] - self._marks[0][1] if self._marks else 0

    def seconds_per_step(self) -> float | None:
        """Return how long a batch takes, with its share of all else; None before enough were seen."""
        if not self._marks:
            return None
        (first_s, _), (now_s, step) = self._marks[0], self._marks[-1]
        if self.steps_measured < MEASURED_STEPS or now_s - first_s < MEASURED_S:
            return None
        begin_s = now_s - RECENT * (now_s - first_s)
        mark_s, mark_step = next(mark for mark in reversed(self._marks) if mark[0] <= begin_s)
        if step == mark_step:  # batches have become very slow
            mark_s, mark_step = self._marks[0]
        return (now_s - mark_s) / (step - mark_step)

    def seconds_left(self, total_steps: int) -> float | None:
        """Return how long the rest of `total_steps` batches takes; None before that is known."""
        per_step = self.seconds_per_step()
        return None if per_step is None else per_step * max(0, total_steps - self._marks[-1][1])

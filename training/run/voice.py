"""What a run says while it goes on: the estimate once it is measured, and off a terminal a line at times."""

import time
from collections.abc import Callable

from rich.console import Console

from training.run.durations import describe_duration
from training.run.pace import Pace
from training.run.stats import EpochPart

FIRST_LINE_S = 60.0
GROWTH = 0.05
"""A line comes after a minute, or after a twentieth of the time so far if that is longer: of a run of ten
days there are fewer than two hundred."""


class Voice:
    """Speaks of a run of `epochs` epochs and `total_steps` batches that goes on now, in one process."""

    def __init__(
        self,
        console: Console,
        *,
        epochs: int,
        total_steps: int,
        peak_bytes: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.epochs = epochs
        self.total_steps = total_steps
        self.pace = Pace(clock)
        self._peak_bytes = peak_bytes
        self._clock = clock
        self._begun_s = self._said_s = clock()
        self._estimated = False
        self._compiled_s = 0.0

    def follow(self, epoch: int, part: EpochPart) -> None:
        """Take how far epoch number `epoch` (1 is the first) is, and say what is due."""
        # The last batch is smaller, and compiled for.
        if part.compiled_seconds not in (0.0, self._compiled_s):
            self._compiled_s, self.pace = part.compiled_seconds, Pace(self._clock)
        self.pace.mark(part.step)
        left_s = self.pace.seconds_left(self.total_steps)
        if left_s is None or not part.batches:
            return
        speed = f"{part.images / part.batches / (self.pace.seconds_per_step() or 1.0):.0f} images/s"
        if not self._estimated:
            self._estimated = True
            self.say(
                f"time: about {describe_duration(left_s)} for what is left of {self.epochs} epochs at "
                f"{speed}; memory: {self._peak_bytes() / 1e9:.1f} GB (measured on the first "
                f"{self.pace.steps_measured} batches)"
            )
        elif not self.console.is_terminal and self._is_due():
            generator_loss, discriminator_loss = (total / part.batches for total in part.loss_sums)
            self.say(
                f"epoch {epoch}/{self.epochs}  batch {part.step:,} of {self.total_steps:,} "
                f"({100 * part.step / self.total_steps:.0f} %)  {speed}  "
                f"generator loss {generator_loss:.3f}  discriminator loss {discriminator_loss:.3f}  "
                f"about {describe_duration(left_s)} left"
            )

    def say(self, sentence: str) -> None:
        """Print a line, and begin to wait for the next anew."""
        self._said_s = self._clock()
        self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    @property
    def silent_s(self) -> float:
        """How long it is to be silent between two lines by now, but for those that are said at once."""
        return GROWTH * (self._clock() - self._begun_s)

    def tells_epoch(self) -> bool:
        """Say whether it is time for the line of an epoch: there are fewer of them the longer a run lasts."""
        return self._clock() - self._said_s >= 2 * self.silent_s

    def _is_due(self) -> bool:
        return self._clock() - self._said_s >= max(FIRST_LINE_S, self.silent_s)

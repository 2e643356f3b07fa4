"""The losses of an epoch in training: added up on the fly, watched for what is no number."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from training.errors import NotFiniteError
from training.run.stats import EpochPart

CHECKED_STEPS = 100
"""So many steps at most pass until a loss that is no number is seen."""

COMPILING = "Compiling the training step: about a minute, longer on a slow or busy machine."
AGAIN = "Compiling it once more, as long, for an epoch's last batch: of {} pictures."


class Compilation:
    """Knows for which sizes of batches this process has compiled its step, and says so before each."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say
        self._sizes: set[int] = set()

    def is_due(self, images: int) -> bool:
        """Say whether the step is to be compiled for a batch of so many pictures, which then it is."""
        due = images not in self._sizes
        if self._say and due:
            self._say(AGAIN.format(images) if self._sizes else COMPILING)
        self._sizes.add(images)
        return due


class LossMeter:
    """Adds up the losses of one epoch without waiting for the device at each step.

    Steps that are compiled first are timed apart.
    """

    def __init__(self, part: EpochPart, compilation: Compilation) -> None:
        self.part = part
        self._compilation = compilation
        self._compiles = False
        self._losses: list[tf.Tensor] = []
        self._images = 0
        self._start_s = time.monotonic()

    def begin(self, images: int) -> bool:
        """Begin a step on so many pictures, and say whether it is compiled first; raise as `tally` does."""
        compiles = self._compilation.is_due(images)
        if compiles or self._compiles:
            self.tally()
        self._compiles = compiles
        return compiles

    def add(self, losses: tf.Tensor, images: int) -> None:
        """Take the losses, float32 (2,), of a step on `images` pictures; raise as `tally` does."""
        self._losses.append(losses)
        self._images += images
        if len(self._losses) >= CHECKED_STEPS:
            self.tally()

    def tally(self) -> EpochPart:
        """Wait for the steps taken so far and return the epoch's figures up to them.

        Raises:
            NotFiniteError: a loss is NaN or infinite.
        """
        if self._losses:
            losses = tf.stack(self._losses).numpy().astype(np.float64)  # (steps, 2)
            finite = np.isfinite(losses).all(axis=1)
            if not finite.all():
                first = int(finite.argmin())
                generator, discriminator = map(float, losses[first])
                raise NotFiniteError(
                    f"The losses are no numbers any more at batch {self.part.step + first + 1} "
                    f"(generator {generator}, discriminator {discriminator})."
                )
            sums = losses.sum(axis=0) + self.part.loss_sums
            now_s = time.monotonic()
            seconds, compiles = now_s - self._start_s, self._compiles
            self.part = EpochPart(
                step=self.part.step + len(losses),
                batches=self.part.batches + len(losses),
                images=self.part.images + self._images,
                seconds=self.part.seconds + seconds,
                compiled_images=self.part.compiled_images + (self._images if compiles else 0),
                compiled_seconds=self.part.compiled_seconds + (seconds if compiles else 0.0),
                loss_sums=(float(sums[0]), float(sums[1])),
            )
            self._losses.clear()
            self._images, self._start_s = 0, now_s
        return self.part

"""The losses of an epoch in training: added up on the fly, watched for what is no number."""

import time

import numpy as np
import tensorflow as tf

from training.errors import NotFiniteError
from training.run.stats import EpochPart

CHECKED_STEPS = 100
"""So many steps at most pass until a loss that is no number is seen."""


class LossMeter:
    """Adds up the losses of one epoch without waiting for the device at each step."""

    def __init__(self, part: EpochPart) -> None:
        self.part = part
        self._losses: list[tf.Tensor] = []
        self._images = 0
        self._start_s = time.monotonic()

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
            self.part = EpochPart(
                step=self.part.step + len(losses),
                batches=self.part.batches + len(losses),
                images=self.part.images + self._images,
                seconds=self.part.seconds + now_s - self._start_s,
                loss_sums=(float(sums[0]), float(sums[1])),
            )
            self._losses.clear()
            self._images, self._start_s = 0, now_s
        return self.part

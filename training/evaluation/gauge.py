"""A generator in training held against the pictures it learns from: one figure, at a bounded cost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from training.config import Configuration
from training.data import Pictures
from training.errors import EvaluationError
from training.evaluation.features import FeatureNetwork
from training.evaluation.spaces import find_space, own_space
from training.metrics import METRICS, MIN_IMAGES, TRAINING, Figure, Protocol
from training.metrics.distances import Features
from training.metrics.spread import measure_spread
from training.run.samples import draw_inputs, generate_pixels
from training.run.stats import EpochStats

BATCH_IMAGES = 250
GENERAL_IMAGES = 1000
"""By EfficientNet-lite0 no more are measured in training: seconds, where 5,000 would be half a minute."""
SHARE = 0.05
"""Of the time of training that measuring by EfficientNet-lite0 may take; the last epoch's is extra."""
PROBED_IMAGES = 20
FIRST_SEED = 1_000_000
"""The pictures that choose a checkpoint are not those of its final figures, whose seeds begin at 0."""
REFERENCE_SEED = 1

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of a generator."""

    distance: float
    spread: float
    """How much its drawings differ within their classes, where training pictures have 1."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The training pictures that drawings are held against."""

    features: Features
    spread: float


class Gauge:
    """Measures generators by the Fréchet distance of `images` of their pictures from training pictures.

    Training pictures, because what chooses a checkpoint must not be what it is measured by in the end.
    """

    def __init__(self, features: Path, pictures: Pictures, images: int, share: float | None = None) -> None:
        """Load the feature network; `share` of the time of training is all it may take, or any if None.

        Raises:
            EvaluationError: the network cannot be run.
        """
        self.network = FeatureNetwork(features)
        self.count = min(images, len(pictures.images))
        self.figure = Figure(METRICS["fd"], Protocol(self.network.name, self.count, TRAINING))
        self.pictures = pictures
        self.share = share
        self._reference: Reference | None = None
        self._cost_s: float | None = None

    def affords(self, stats: Sequence[EpochStats], seconds: float) -> bool:
        """Say whether measuring now keeps within its share, `seconds` after the epochs of `stats`."""
        if self.share is None:
            return True
        trained_s = seconds + sum(row.seconds for row in stats)
        spent_s = sum(row.measuring_s or 0.0 for row in stats)
        self.probe()
        return spent_s + (self._cost_s or 0.0) <= self.share * trained_s

    def probe(self) -> None:
        """Learn what a measurement takes, if that counts: before a run's first batches are timed."""
        if self.share is not None and self._cost_s is None:
            self._cost_s = self._probe_s()

    def measure(self, generator: keras.Model, latent_size: int, classes: int) -> Measurement:
        """Return how far pictures drawn by it are; `classes` is 0 for a generator without a label."""
        begun_s = time.monotonic()
        if self._reference is None:
            self._reference = self._refer(classes)
        drawn_s = time.monotonic()
        parts, labels = [], []
        for first in range(FIRST_SEED, FIRST_SEED + self.count, BATCH_IMAGES):
            seeds = range(first, min(first + BATCH_IMAGES, FIRST_SEED + self.count))
            images, of = self.draw(generator, seeds, latent_size, classes)
            parts.append(self.network.extract(images))
            labels.append(of)
        features = np.concatenate(parts)
        spread = measure_spread(features, np.concatenate(labels) if classes else None)
        distance = self.figure.measure(self._reference.features, features)
        now_s = time.monotonic()
        self._cost_s = now_s - drawn_s
        return Measurement(distance, spread / max(self._reference.spread, 1e-9), now_s - begun_s)

    def draw(
        self, generator: keras.Model, seeds: range, latent_size: int, classes: int
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Draw the seeds, each of the class it stands for: uint8 (n, h, w, c), and the classes (n,)."""
        latents, labels = draw_inputs(seeds, latent_size, classes)
        of = np.zeros(len(seeds), np.int64) if labels is None else labels.argmax(axis=1)
        return generate_pixels(generator, latents, labels), of

    def _refer(self, classes: int) -> Reference:
        order = np.random.Generator(np.random.Philox(REFERENCE_SEED)).permutation(len(self.pictures.images))
        rows = np.sort(order[: self.count])
        features = self.network.extract(self.pictures.images[rows])
        labels = np.asarray(self.pictures.labels)[rows].astype(np.int64) if classes else None
        return Reference(features, measure_spread(features, labels))

    def _probe_s(self) -> float:
        """Return about how long the first measurement takes: both sides of it."""
        images = self.pictures.images[:PROBED_IMAGES]
        self.network.extract(images)  # the first is slower
        begun_s = time.monotonic()
        self.network.extract(images)
        return 2 * self.count * (time.monotonic() - begun_s) / len(images)


def open_gauge(
    configuration: Configuration, pictures: Pictures, features: Path | None = None, images: int | None = None
) -> Gauge:
    """Return what measures a run's pictures: by `images` of them, or as many as is usual in training.

    Raises:
        EvaluationError: there is no feature network, or it cannot be run.
    """
    named = features or configuration.features
    path = find_space(configuration.data, named, max(pictures.images.shape[1:3]))
    if named or own_space(configuration.data):
        return Gauge(path, pictures, images or configuration.evaluation_images)
    return Gauge(path, pictures, images or min(GENERAL_IMAGES, configuration.evaluation_images), SHARE)


def find_gauge(configuration: Configuration, pictures: Pictures, console: Console) -> Gauge | None:
    """Return what measures the run's pictures while it goes on; None, and say so, if nothing can.

    Raises:
        EvaluationError: the feature network that is named, or the set's own, cannot be run.
    """

    def say(sentence: str) -> None:
        console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    if not configuration.evaluation_epochs:
        return None
    if len(pictures.images) < MIN_IMAGES:
        count = len(pictures.images)
        said = f"there {'is' if count == 1 else 'are'} only {count}, and a figure needs {MIN_IMAGES}"
        say(f"The pictures are not measured while training: {said}.")
        return None
    try:
        gauge = open_gauge(configuration, pictures)
    except EvaluationError as error:
        if configuration.features or own_space(configuration.data):
            raise
        say(f"The pictures are not measured while training. {error}")
        return None
    if gauge.share is not None:
        gauge.probe()
        epochs = (
            "each epoch"
            if configuration.evaluation_epochs == 1
            else (f"every {configuration.evaluation_epochs} epochs")
        )
        say(
            f"measured by: {gauge.figure.name} (less is better), {epochs} as far as {gauge.share:.0%} of the "
            "time allow, and after the last"
        )
    return gauge

"""A generator in training held against the pictures it learns from: one figure, at a bounded cost."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from foundation.home import expand_home
from training.config import Configuration
from training.data import Pictures
from training.errors import EvaluationError
from training.evaluation.features import FASHION_FEATURES, FeatureNetwork
from training.metrics import METRICS, TRAINING, Figure, Protocol
from training.metrics.distances import Features
from training.run.samples import draw_inputs, generate_pixels

BATCH_IMAGES = 250
MIN_IMAGES = 5
"""Fewer have no covariance worth the name, and no third neighbour."""
FIRST_SEED = 1_000_000
"""The pictures that choose a checkpoint are not those of its final figures, whose seeds begin at 0."""
REFERENCE_SEED = 1


def find_features(data: str, features: str | Path | None) -> Path | None:
    """Return the feature network to measure with: the one named, or that known for `data`, or None."""
    if features:
        return expand_home(str(features))
    return FASHION_FEATURES if data == "fashion-mnist" else None


def require_features(data: str, features: str | Path | None) -> Path:
    """Return the feature network to measure with; raise EvaluationError where none is known."""
    path = find_features(data, features)
    if path is None:
        raise EvaluationError(f"No feature network is known for '{data}': name one with --features.")
    return path


class Gauge:
    """Measures generators by the Fréchet distance of `images` of their pictures from training pictures.

    Training pictures, because what chooses a checkpoint must not be what it is measured by in the end.
    """

    def __init__(self, features: Path, pictures: Pictures, images: int) -> None:
        """Load the feature network; raise EvaluationError where it cannot be run."""
        self.network = FeatureNetwork(features)
        self.count = min(images, len(pictures.images))
        self.figure = Figure(METRICS["fd"], Protocol(self.network.name, self.count, TRAINING))
        self.pictures = pictures
        self._reference: Features | None = None

    def measure(self, generator: keras.Model, latent_size: int, classes: int) -> float:
        """Return the distance of pictures drawn by it; `classes` is 0 for a generator without a label."""
        if self._reference is None:
            order = np.random.Generator(np.random.Philox(REFERENCE_SEED)).permutation(
                len(self.pictures.images)
            )
            self._reference = self.network.extract(self.pictures.images[np.sort(order[: self.count])])
        features = [
            self.network.extract(self.draw(generator, range(first, last), latent_size, classes))
            for first in range(FIRST_SEED, FIRST_SEED + self.count, BATCH_IMAGES)
            for last in [min(first + BATCH_IMAGES, FIRST_SEED + self.count)]
        ]
        return self.figure.measure(self._reference, np.concatenate(features))

    def draw(self, generator: keras.Model, seeds: range, latent_size: int, classes: int) -> NDArray[np.uint8]:
        """Draw the seeds, each of the class it stands for: uint8 (n, h, w, c)."""
        return generate_pixels(generator, *draw_inputs(seeds, latent_size, classes))


def find_gauge(configuration: Configuration, pictures: Pictures, console: Console) -> Gauge | None:
    """Return what measures the run's pictures while it goes on; None, and say so, if nothing can."""
    if not configuration.evaluation_epochs:
        return None
    features = find_features(configuration.data, configuration.features)
    reason = ""
    if features is None:
        reason = f"no feature network is known for '{configuration.data}'; --features FILE.onnx names one"
    elif len(pictures.images) < MIN_IMAGES:
        reason = f"there are only {len(pictures.images)}"
    if features is None or reason:
        message = f"The pictures are not measured while training: {reason}."
        console.print(message, highlight=False, soft_wrap=True)
        return None
    return Gauge(features, pictures, configuration.evaluation_images)

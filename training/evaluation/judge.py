"""A generator in training held against the pictures it learns from: one figure, at a bounded cost."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from foundation.home import expand_home
from training.config import AnyConfiguration
from training.data import Pictures
from training.errors import EvaluationError
from training.evaluation.distances import frechet_distance
from training.evaluation.features import FASHION_FEATURES, FeatureNetwork, Features
from training.run.samples import DrawClasses, DrawLatents, draw_seeds, generate_pixels

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


class Judge:
    """Measures generators by the Fréchet distance of `images` of their pictures from training pictures.

    Training pictures, because what chooses a checkpoint must not be what it is measured by in the end:
    the figure's name ends in `_train`.
    """

    def __init__(
        self,
        features: Path,
        pictures: Pictures,
        images: int,
        draw_latents: DrawLatents,
        draw_classes: DrawClasses,
    ) -> None:
        """Load the feature network; raise EvaluationError where it cannot be run."""
        self.network = FeatureNetwork(features)
        self.count = min(images, len(pictures.images))
        self.figure = f"fd_{self.network.name}_{count_name(self.count)}_train"
        self.pictures = pictures
        self.draw_latents = draw_latents
        self.draw_classes = draw_classes
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
        return round(frechet_distance(self._reference, np.concatenate(features)), 6)

    def draw(self, generator: keras.Model, seeds: range, latent_size: int, classes: int) -> NDArray[np.uint8]:
        """Draw the seeds, each of the class it stands for: uint8 (n, h, w, c)."""
        latents, labels = draw_seeds(seeds, latent_size, classes, self.draw_latents, self.draw_classes)
        return generate_pixels(generator, latents, labels)


def find_judge(
    configuration: AnyConfiguration,
    pictures: Pictures,
    draw_latents: DrawLatents,
    draw_classes: DrawClasses,
    console: Console,
) -> Judge | None:
    """Return who measures the run's pictures while it goes on; None, and say so, if no one can."""
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
    return Judge(features, pictures, configuration.evaluation_images, draw_latents, draw_classes)


def count_name(count: int) -> str:
    """Return 10000 as `10k`, 600 as `600`."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)

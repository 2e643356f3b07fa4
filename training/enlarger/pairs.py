"""What an enlarger learns from: real pictures at both sizes, and drawings of the generator."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console

from foundation.grid.calibration import draw_feeds
from foundation.grid.price import draw
from foundation.manifest import ImageOutput, Manifest
from training.data import Pictures, load_pictures
from training.enlarger.settings import EnlargerSettings
from training.errors import ConfigurationError, DataError
from training.export.training_set import find_training_set, naming_origin

MOST_DRAWN, DRAWN_PIXELS = 2048, 2**22
"""So many drawings are learnt from, or fewer of so many pixels together."""
FEWEST_DRAWN = 64

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Batch:
    """Levels float32 (n, h, w, c) of pictures uint8 (n, 2h, 2w, C), and of drawings (m, h, w, c)."""

    small: Floats
    large: Images
    drawn: Floats


@dataclass(frozen=True, slots=True)
class Pairs:
    """Real pictures in two sizes, in the same order, and drawings, which there are in one alone."""

    data: str
    """The name of the set."""
    small: Pictures
    large: Pictures
    drawn: Images

    def take(self, settings: EnlargerSettings, step: int) -> Batch:
        """Return the batch with the number `step`: the same settings and pictures give the same one."""
        count = settings.batch_size
        random = np.random.Generator(np.random.Philox(key=(settings.seed << 32) + step))
        rows = np.sort(random.integers(0, len(self.large.images), count))
        small = self.small.images[rows].astype(np.float32)
        noisy = random.random((count, 1, 1, 1), np.float32) < 0.5
        noise = 255.0 * settings.noise * random.standard_normal(small.shape, np.float32)
        small = np.clip(small + noisy * noise, 0.0, 255.0)
        drawn = self.drawn[random.integers(0, len(self.drawn), round(count * settings.drawn_share))]
        large = self.large.images[rows]
        if random.random() < 0.5:
            small, large = small[:, :, ::-1], large[:, :, ::-1]
        return Batch(np.ascontiguousarray(small), np.ascontiguousarray(large), drawn.astype(np.float32))


def double(image: ImageOutput, channels: int | None) -> ImageOutput:
    """Return what pictures are when they are twice as high and wide, and perhaps get an alpha.

    Raises:
        ConfigurationError: they would be too large, or what is to become of their colours cannot be told.
    """
    channels = channels or image.channels
    if channels != image.channels and (image.channels, channels) != (3, 4):
        raise ConfigurationError(
            f"Pictures of {image.channels} channels cannot get {channels}: --channels 4 gives pictures in "
            "colour a transparent ground, and else they keep what they have."
        )
    height, width = 2 * image.height, 2 * image.width
    if max(height, width) > 1024 or min(height, width) < 16:
        raise ConfigurationError(
            f"Pictures of {width}x{height} cannot be trained on: sides are from 16 to 1024 pixels."
        )
    return ImageOutput(height=height, width=width, channels=channels)


def load_pairs(
    manifest: Manifest,
    graph: onnx.ModelProto,
    large: ImageOutput,
    named: str | None,
    folder: Path | None,
    console: Console,
) -> Pairs:
    """Load the set that a release was trained on, or the one that is named, in both sizes; and draw.

    Raises:
        ConfigurationError: nobody says which set.
        DataError: it cannot be read, or is not the same twice.
    """
    data, settings = find_training_set(manifest, named)
    _, doubled = find_training_set(manifest, named, large)
    with naming_origin(manifest, data, named):
        small = load_pictures(data, folder, "train", settings, console)
        pictures = load_pictures(data, folder, "train", doubled, console)
    if len(small.images) != len(pictures.images):
        raise DataError(
            f"{data} has {len(small.images):,} pictures at one size and {len(pictures.images):,} at the "
            "other: has it changed meanwhile? Begin again."
        )
    count = min(MOST_DRAWN, max(FEWEST_DRAWN, DRAWN_PIXELS // (small.shape.pixels)))
    drawn = draw(graph, draw_feeds(manifest.latent, manifest.label, count))
    return Pairs(data, small, pictures, drawn)

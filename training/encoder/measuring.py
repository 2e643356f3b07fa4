"""How near real pictures come: by the encoder's guess, refined, and by two plain ways to hold them against.

The mean picture is what one draws who knows nothing of the picture; the plain search descends from random
latents, of the picture's own class, for as many steps as it has time for.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.latents import draw_latents
from training.encoder.graphs import Encoding
from training.encoder.plain_descent import PlainDescent
from training.encoder.sessions import Drawing, Floats, Images
from training.encoder.settings import EncoderSettings
from training.encoder.supply import one_hot, scale
from training.evaluation.features import FeatureNetwork
from training.run.samples import quantize, tile

RATES = (0.02, 0.05, 0.1, 0.2)
"""Of which the best is chosen."""
USUAL_RATE = 0.05
CHOSEN_BY = 64
"""Training pictures."""
SEARCH_RATE = 0.1
PIXELS = "pixels"
REAL, GUESSED, REFINED, SEARCHED, MEAN = "real", "encoder", "refined", "search", "mean"
SHOWN = 12
SHOWN_ROWS = (REAL, GUESSED, REFINED, SEARCHED)
SHEET_PIXELS = 96
"""A picture of the sheet is enlarged to about so many a side."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reconstructions:
    """Real pictures, and what each way makes of them."""

    figures: Mapping[str, float]
    """`reconstruction_SPACE_WAY`: mean squared differences of pixels in [-1, 1], cosine distances of
    features."""
    images: Mapping[str, Images]
    """uint8 (n, h, w, c) by the way, the real ones among them."""

    def lay_sheet(self, side: int) -> Image.Image:
        """Return a picture of the first of them: the real ones, and below each what was found for it."""
        shown = [self.images[way][:SHOWN] for way in SHOWN_ROWS]
        return tile(np.concatenate(shown), len(shown[0]), max(1, SHEET_PIXELS // side))


def choose_rate(drawing: Drawing, encoding: Encoding, images: Images, settings: EncoderSettings) -> float:
    """Return the rate to refine with: the one that is set, or that which brings training pictures nearest.

    Where the curvature is known it has no part in it, but for readers who know nothing of curvature.
    """
    if settings.refining_rate or not settings.refining_steps or drawing.curvature is not None:
        return settings.refining_rate or USUAL_RATE
    pictures = scale(images[:CHOSEN_BY])
    latents, labels = encoding.guess(pictures)
    steps = settings.refining_steps
    means = [drawing.refine(latents, labels, pictures, steps=steps, rate=rate)[1].mean() for rate in RATES]
    return RATES[int(np.argmin(means))]


def measure_reconstructions(
    drawing: Drawing,
    encoding: Encoding,
    images: Images,
    classes: NDArray[np.int64],
    mean: Floats,
    settings: EncoderSettings,
    rate: float,
    space: FeatureNetwork | None,
    tell: Tell,
) -> Reconstructions:
    """Find pictures uint8 (n, h, w, c) of `classes` (n,), -1 where unknown, in every way, and measure it.

    `mean` is the mean of training pictures, float32 (h, w, c) in [-1, 1].
    """
    pictures = scale(images)
    tell("guessing")
    latents, labels = encoding.guess(pictures)
    distances = {GUESSED: drawing.compare(latents, labels, pictures)[1]}
    tell("refining")
    refined, distances[REFINED] = drawing.refine(
        latents, labels, pictures, steps=settings.refining_steps, rate=rate
    )
    tell("searching from random latents, for comparison")
    own = labels
    if labels is not None:
        own = np.where(classes[:, None] >= 0, one_hot(classes, drawing.subject), labels)
    searched, distances[SEARCHED], steps = search(drawing, own, pictures, settings)
    distances[MEAN] = np.square(pictures - mean).mean((1, 2, 3))
    drawn = {
        REAL: images,
        GUESSED: drawing.draw(latents, labels),
        REFINED: drawing.draw(refined, labels),
        SEARCHED: drawing.draw(searched, own),
        MEAN: np.repeat(quantize(mean[None]), len(images), 0),
    }
    figures = {f"reconstruction_{PIXELS}_{way}": float(found.mean()) for way, found in distances.items()}
    if space is not None:
        tell(f"comparing by {space.name}")
        features = {way: _normalise(space.extract(shown)) for way, shown in drawn.items()}
        for way in distances:
            apart = 1.0 - (features[REAL] * features[way]).sum(1)
            figures[f"reconstruction_{space.name.lower()}_{way}"] = float(apart.mean())
    figures["reconstruction_pictures"] = len(images)
    figures["reconstruction_search_steps"] = steps
    if labels is not None and (classes >= 0).any():
        known = classes >= 0
        figures["label_accuracy"] = float((labels.argmax(1) == classes)[known].mean())
    return Reconstructions({name: float(f"{value:.6g}") for name, value in figures.items()}, drawn)


def search(
    drawing: Drawing, labels: Floats | None, pictures: Floats, settings: EncoderSettings
) -> tuple[Floats, Floats, int]:
    """Descend from random latents: the nearest (n, Z), their distances (n,), and after how many steps."""
    subject = drawing.subject
    start = draw_latents(range(len(pictures)), subject.latent_size, distribution=subject.distribution)
    descent = PlainDescent(start, SEARCH_RATE)
    began_s, steps = time.monotonic(), 0
    while steps <= settings.search_steps and time.monotonic() - began_s < settings.search_s:
        descent.take(*drawing.compare(descent.latents, labels, pictures))
        steps += 1
    return descent.best, descent.distances, steps


def _normalise(features: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float64] = features / np.maximum(lengths, 1e-12)
    return unit

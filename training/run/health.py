"""What is measured of a run so that its failing is noticed: drawings' variety, the discriminator's memory."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.data import Pictures
from training.gan import GAN, Judge
from training.run.samples import draw_images, draw_inputs

MEASURED = 128
"""Pictures of each kind: enough for a mean, and less than a batch or two of work."""
FIRST_SEED = 2_000_000
SEED = 3

Floats = NDArray[np.float32]
Logits = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Real pictures float32 (n, h, w, c) in [-1, 1] and their classes (n,)."""

    images: Floats
    labels: NDArray[np.integer[Any]]


def take_sample(pictures: Pictures) -> Sample:
    """Take up to 128 pictures of a set by lot, always the same."""
    order = np.random.Generator(np.random.Philox(SEED)).permutation(len(pictures.images))
    rows = np.sort(order[:MEASURED])
    return Sample(pictures.images[rows].astype(np.float32) / 127.5 - 1.0, np.asarray(pictures.labels)[rows])


@dataclass(frozen=True, slots=True)
class Health:
    """Measures a GAN in training against a sample of its pictures, and of some that it never sees."""

    training: Sample
    held_out: Sample | None
    """None where nothing is held out."""

    def measure(self, gan: GAN, generator: keras.Model, latent_size: int, classes: int) -> dict[str, float]:
        """Return `variety` and, where the discriminator can be asked and pictures are held out, `memory`."""
        count = len(self.training.images)
        latents, labels = draw_inputs(range(FIRST_SEED, FIRST_SEED + count), latent_size, classes)
        drawn = draw_images(generator, latents, labels)
        found = {"variety": measure_variety(drawn) / max(measure_variety(self.training.images), 1e-6)}
        if self.held_out is not None and isinstance(gan, Judge):
            drawn_classes = np.zeros(count, np.int64) if labels is None else labels.argmax(1)
            found["memory"] = measure_memory(
                *(
                    np.asarray(gan.score(tf.constant(images), tf.constant(of)), np.float64)
                    for images, of in (
                        (self.training.images, self.training.labels),
                        (self.held_out.images, self.held_out.labels),
                        (drawn, drawn_classes),
                    )
                )
            )
        return found


def observe_health(training: Pictures, held_out: Pictures | None) -> Health:
    """Return what measures a run on these pictures."""
    return Health(take_sample(training), take_sample(held_out) if held_out else None)


def measure_variety(images: Floats) -> float:
    """Return the root mean square of what images (n, h, w, c) differ by from their mean, pixel by pixel."""
    return float(np.sqrt(np.mean(np.var(images, axis=0))))


def measure_memory(training: Logits, held_out: Logits, drawn: Logits) -> float:
    """Return how far held-out pictures are from training pictures on the way to drawn ones, by their logits.

    Each (n,). 0: they are judged alike; 1: as drawn ones. r_v of Karras et al., arXiv:2006.06676, equation 1,
    within [-1, 1]. It is 0 where training pictures are told from drawn ones, or from held-out ones, by no
    more than chance makes: twice the standard error of the difference, which is much of a dozen pictures.
    """
    gap, apart = training.mean() - drawn.mean(), training.mean() - held_out.mean()
    if gap <= chance(training, drawn) or abs(apart) <= chance(training, held_out):
        return 0.0
    return float(np.clip(apart / gap, -1.0, 1.0))


def chance(one: Logits, other: Logits) -> float:
    """Return twice the standard error of the difference of two means, and nothing less than rounding."""
    return max(1e-6, 2.0 * float(np.sqrt(one.var() / len(one) + other.var() / len(other))))

"""What an encoder learns from, batch by batch: drawings of the generator, and real pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data import Pictures, scale_pixels
from training.encoder.sessions import Drawing, Floats
from training.encoder.settings import EncoderSettings
from training.encoder.subject import Subject
from training.errors import DataError


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures float32 (n, h, w, c) in [-1, 1], the first m of them drawn."""

    pictures: Floats
    latents: Floats
    """(m, Z), of the drawn ones."""
    labels: Floats
    """(n, classes), one-hot; no columns of a generator without classes."""
    known: Floats
    """(n,): 1 where the label is known, 0 elsewhere."""


class Supply:
    """Batches by their number: the same settings and pictures give the same ones."""

    def __init__(self, settings: EncoderSettings, drawing: Drawing, pictures: Pictures) -> None:
        """Begin.

        Raises:
            DataError: the pictures are of another shape than the drawings.
        """
        self.settings, self.drawing, self.pictures = settings, drawing, pictures
        self._classes = match_classes(drawing.subject, pictures)

    def take(self, step: int) -> Batch:
        """Return the batch with the number `step`."""
        subject, count = self.drawing.subject, self.settings.batch_size
        random = np.random.Generator(np.random.Philox(key=(self.settings.seed << 32) + step))
        drawn = count // 2
        latents = draw_latents(random, drawn, subject)
        classes = random.integers(0, max(1, len(subject.class_names)), drawn)
        labels = one_hot(classes, subject)
        images = self.drawing.draw(latents, labels if subject.class_names else None)
        rows = np.sort(random.integers(0, len(self.pictures.images), count - drawn))
        real, real_classes = self.pictures.images[rows], self._classes[rows]
        return Batch(
            np.concatenate([scale(images), scale(real)]),
            latents,
            np.concatenate([labels, one_hot(real_classes, subject)]),
            np.concatenate([np.ones(drawn), real_classes >= 0]).astype(np.float32),
        )


def match_classes(subject: Subject, pictures: Pictures) -> NDArray[np.int64]:
    """Return each picture's class among those of the generator, by its name: int64 (n,), -1 for none.

    Raises:
        DataError: the pictures are of another shape than the drawings.
    """
    shape = subject.shape
    if (found := pictures.images.shape[1:]) != (shape.height, shape.width, shape.channels):
        sides = "x".join(map(str, found))
        raise DataError(
            f"The pictures are {sides}, and {subject.name} draws {shape.height}x{shape.width}x"
            f"{shape.channels} (height, width, channels): choose the pictures that it was trained on."
        )
    names = pictures.shape.class_names
    places = {name: place for place, name in enumerate(subject.class_names)}
    known = np.array([places.get(name, -1) for name in names] or [-1], np.int64)
    labels = np.asarray(pictures.labels, np.int64)
    return known[labels] if names else np.full(len(labels), -1, np.int64)


def draw_latents(random: np.random.Generator, count: int, subject: Subject) -> Floats:
    """Draw latents float32 (count, Z) of the generator's distribution."""
    size = (count, subject.latent_size)
    if subject.distribution == "uniform":
        return random.uniform(-1.0, 1.0, size).astype(np.float32)
    return random.standard_normal(size, np.float32)


def one_hot(classes: NDArray[np.int64], subject: Subject) -> Floats:
    """Return labels float32 (n, classes), of nothing where the class is -1; (n, 0) without classes."""
    labels = np.zeros((len(classes), len(subject.class_names)), np.float32)
    known = classes >= 0
    if labels.shape[1]:
        labels[known, classes[known]] = 1.0
    return labels


def scale(images: NDArray[np.uint8]) -> Floats:
    """Scale uint8 (n, h, w, c) as the generator's training did: float32 in [-1, 1], premultiplied."""
    scaled: Floats = scale_pixels(images).numpy()
    return scaled

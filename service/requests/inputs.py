"""What goes into a generator: seeds, or latents and the weights of their classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from foundation.labels import Weights, weigh_classes
from foundation.latents import Latents, draw_classes, draw_latents, truncate
from foundation.manifest import Described, LabelInput, LatentInput


@dataclass(frozen=True, slots=True)
class Inputs:
    """Latents float32 (n, z); weights float32 (n, classes) of a class-conditional model; seeds if any.

    While they still are seeds, latents have no rows: drawn with their whole batch, they cost a fifth of what
    they cost one by one.
    """

    latents: Latents
    labels: Weights | None
    seeds: tuple[int, ...] | None
    truncation: float = 1.0
    """What is still to be done to the latents of seeds that are not drawn."""

    @classmethod
    def of_seeds(cls, seeds: tuple[int, ...], truncation: float = 1.0) -> "Inputs":
        """Seeds and nothing else, to be drawn later."""
        return cls(_NONE, None, seeds, truncation)

    def __len__(self) -> int:
        """How many images they give."""
        return len(self.latents) or len(self.seeds or ())

    @property
    def drawn(self) -> bool:
        """Whether the latents are there."""
        return len(self.latents) > 0

    def draw(self, manifest: Described) -> "Inputs":
        """The same with their latents, and their classes where the model has any."""
        return self if self.drawn or not self.seeds else draw_seeds(manifest, self.seeds, self.truncation)

    def part(self, start: int, stop: int) -> "Inputs":
        """The rows from `start` to `stop`, or to the end if that comes before."""
        if start == 0 and stop >= len(self):
            return self
        labels = None if self.labels is None else self.labels[start:stop]
        seeds = None if self.seeds is None else self.seeds[start:stop]
        return Inputs(self.latents[start:stop], labels, seeds, self.truncation)


_NONE: Latents = np.empty((0, 0), np.float32)


def draw_seeds(manifest: Described, seeds: Sequence[int], truncation: float = 1.0) -> Inputs:
    """What `seeds` alone stand for: their latents, and their classes where the model has any."""
    latents = truncate(draw_rows(manifest.latent, seeds), truncation, manifest.latent.mean)
    return Inputs(latents, draw_weights(manifest.label, seeds), tuple(seeds))


def draw_rows(latent: LatentInput, seeds: Sequence[int]) -> Latents:
    """The latents of `seeds`, float32 (n, z), before any truncation."""
    return draw_latents(seeds, latent.size, distribution=latent.distribution, scheme=latent.scheme)


def draw_weights(label: LabelInput | None, seeds: Sequence[int]) -> Weights | None:
    """The weights float32 (n, classes) of the classes that `seeds` stand for; None where there are none."""
    if label is None:
        return None
    classes = len(label.classes)
    return weigh_classes(draw_classes(seeds, classes), classes)


def join_inputs(manifest: Described, parts: Sequence[Inputs]) -> Inputs:
    """The inputs of `parts` one after the other, all drawn, with all their seeds drawn in one go."""
    if len(parts) == 1:
        return parts[0].draw(manifest)
    undrawn = [part for part in parts if not part.drawn]
    drawn = draw_seeds(manifest, tuple(chain.from_iterable(part.seeds or () for part in undrawn)))
    if len(undrawn) == len(parts) and all(part.truncation == 1 for part in parts):
        return drawn
    latents, labels, row = [], [], 0
    for part in parts:
        rows = part
        if not part.drawn:
            rows = drawn.part(row, row + len(part))
            row += len(part)
        latents.append(truncate(rows.latents, part.truncation, manifest.latent.mean))
        if rows.labels is not None:
            labels.append(rows.labels)
    return Inputs(np.concatenate(latents), np.concatenate(labels) if labels else None, None)

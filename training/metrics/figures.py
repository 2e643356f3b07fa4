"""The name of a figure, `METRIC_SPACE_IMAGES` and an ending: the metric and the protocol it was measured by.

`fd_fashion_cnn_10k` is a Fréchet distance of 10,000 pictures in the space of `fashion_cnn.onnx`. Only
figures of one name are compared.
"""

import re
from dataclasses import dataclass

from training.metrics.distances import Features
from training.metrics.registry import METRICS, Metric

DIGITS = 6
"""After the point, of the value of a figure."""
MIN_IMAGES = 5
"""Fewer have no covariance worth the name, and no third neighbour."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which pictures, the sample, are held against which others, the reference."""

    ending: str
    """With which the names of its figures end."""
    sample: str
    reference: str


GENERATED = Pairing("", "generated pictures", "the test split")
REAL = Pairing("_real", "training pictures", "the test split")
"""What a perfect generator would get."""
TRAINING = Pairing("_train", "generated pictures", "training pictures")
"""Of other seeds: what chooses a checkpoint must not be what it is measured by in the end."""
HELD_OUT = Pairing("_test", "the test split", "training pictures")
"""What nobody trained on, as near to training pictures as it comes without copying."""
PAIRINGS = (REAL, TRAINING, HELD_OUT, GENERATED)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How figures are measured that may be compared."""

    space: str
    """The feature network's name."""
    images: int
    """So many on either side."""
    pairing: Pairing


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric by a protocol."""

    metric: Metric
    protocol: Protocol

    @property
    def name(self) -> str:
        """What the figure is called in stats.jsonl, figures.json, best.json and the manifest."""
        protocol = self.protocol
        return f"{self.metric.name}_{protocol.space}_{count_name(protocol.images)}{protocol.pairing.ending}"

    def measure(self, reference: Features, sample: Features) -> float:
        """Return the value for the features of either side, (n, d) each, to six digits."""
        return round(self.metric.compute(reference, sample), DIGITS)


def parse_figure(name: str) -> Figure | None:
    """Return the figure of this name; None for what is none of ours."""
    endings = "|".join(pairing.ending for pairing in PAIRINGS)
    match = re.fullmatch(rf"({'|'.join(METRICS)})_(.+)_(\d+)(k?)({endings})", name)
    if match is None:
        return None
    metric, space, count, thousands, ending = match.groups()
    pairing = next(pairing for pairing in PAIRINGS if pairing.ending == ending)
    return Figure(METRICS[metric], Protocol(space, int(count) * (1000 if thousands else 1), pairing))


def count_name(count: int) -> str:
    """Return 10000 as `10k`, 600 as `600`."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)

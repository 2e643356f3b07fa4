"""Whether drawings are copies of training pictures, by their distances in a feature space.

The rule: a drawing is a copy where it is nearer to a training picture than 99 in 100 training pictures are
to the training picture nearest to them. It asks what Meehan, Chaudhuri and Dasgupta do (arXiv:2004.05675),
for each drawing by itself as Alaa et al. do (authenticity, arXiv:2102.08921), by a quantile of the distances
to the closest record as Platzer and Reutterer do (arXiv:2104.00635). Pictures that nobody trained on show
what comes without copying: about one in a hundred.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.metrics.distances import CHUNK, Features, square_distances

QUANTILE = 0.01
SAME = 1e-3
"""Nearer than this share of how far pictures lie from their mean is the same picture: in a set that holds
pictures twice, how far the others lie from each other is what counts."""


class Search:
    """Finds the nearest of many pictures to each of some, a part of the many at a time."""

    def __init__(self, features: Features, beyond: float = 0.0) -> None:
        """Begin for pictures of features (n, d); those up to `beyond` away do not count."""
        self.features = features
        self.beyond = beyond
        self.distances = np.full(len(features), np.inf)
        """float64 (n,)."""
        self.rows = np.full(len(features), -1)
        """int64 (n,): the nearest one's place among the many; -1 before any was seen."""

    def look(self, many: Features, first: int) -> None:
        """Look through the many pictures (m, d) whose places begin at `first`."""
        for start in range(0, len(self.features), CHUNK):
            part = slice(start, start + CHUNK)
            squares = square_distances(self.features[part], many)  # (chunk, m)
            if self.beyond:
                squares[squares <= self.beyond**2] = np.inf
            nearest = squares.argmin(axis=1)
            distances = np.sqrt(squares[np.arange(len(squares)), nearest])
            nearer = distances < self.distances[part]
            self.distances[part] = np.where(nearer, distances, self.distances[part])
            self.rows[part] = np.where(nearer, nearest + first, self.rows[part])


@dataclass(frozen=True, slots=True)
class Rule:
    """How near a training picture a copy is."""

    limit: float
    """In the units of the features."""

    def share(self, distances: NDArray[np.float64]) -> float:
        """Return the share of the drawings at `distances` (n,) from training pictures that are copies."""
        return float((distances <= self.limit).mean())  # where all pictures are the same it is 0


def begin_rule(sample: Features) -> Search:
    """Return the search for how far training pictures, some of which are `sample` (n, d), lie apart."""
    from_mean = np.sqrt(((sample - sample.mean(axis=0)) ** 2).sum(axis=1).mean())
    return Search(sample, beyond=float(SAME * from_mean))


def make_rule(apart: Search) -> Rule:
    """Return the rule once all training pictures were looked through."""
    distances = apart.distances[np.isfinite(apart.distances)]
    quantile = float(np.quantile(distances, QUANTILE)) if len(distances) else 0.0
    return Rule(max(quantile, apart.beyond))


def copied_share(training: Features, drawn: Features) -> float:
    """Return the share of drawings (m, d) that are copies of training pictures (n, d), in [0, 1]."""
    search, apart = Search(drawn), begin_rule(training)
    for first in range(0, len(training), CHUNK):
        for each in (search, apart):
            each.look(training[first : first + CHUNK], first)
    return make_rule(apart).share(search.distances)

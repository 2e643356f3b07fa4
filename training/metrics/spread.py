"""How much pictures differ from each other, by their features: what collapses when variety does."""

import numpy as np
from numpy.typing import NDArray

from training.metrics.distances import Features


def measure_spread(features: Features, labels: NDArray[np.int64] | None = None) -> float:
    """Return the root mean square of how far features (n, d) lie from the mean of their class.

    `labels` (n,) tell the classes; without them all are one. Within the classes, because a generator that has
    one drawing for each still differs between them. Classes of one picture do not count, unless all are such.
    """
    groups = np.zeros(len(features), np.int64) if labels is None else labels
    names, counts = np.unique(groups, return_counts=True)
    if not (counts > 1).any():
        return measure_spread(features) if labels is not None else 0.0
    squares = [
        ((of_class - of_class.mean(axis=0)) ** 2).sum(axis=1)
        for name in names[counts > 1]
        for of_class in [features[groups == name]]
    ]
    return float(np.sqrt(np.concatenate(squares).mean()))

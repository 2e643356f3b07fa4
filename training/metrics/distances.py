"""How far one set of pictures is from another, by their features; each is named by its paper."""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""float64 (n, d)."""
NEIGHBOURS = 3
CHUNK = 1000
"""So many pictures at once, so that memory does not grow with the square of their number."""


def frechet_distance(first: Features, second: Features) -> float:
    """Return the squared Fréchet distance of the normal distributions fitted to features (n, d), (m, d).

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½): Heusel et al., arXiv:1706.08500. In units of the features,
    squared; 0 for equal sets.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    if max(len(first), len(second)) < first.shape[1]:
        return float(difference @ difference) + _few_apart(first, second)
    covariance_1, covariance_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # (C1 C2)^½ has the trace of (C1^½ C2 C1^½)^½, which is symmetric.
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance_2 @ root), 0, None)).sum()
    return float(difference @ difference + np.trace(covariance_1) + np.trace(covariance_2) - 2 * cross)


def _few_apart(first: Features, second: Features) -> float:
    """Return tr(C1 + C2 - 2 (C1 C2)^½) for fewer pictures than features, without a matrix of features.

    With C1 = A'A and C2 = B'B the last is the sum of the singular values of AB'.
    """
    roots = [(some - some.mean(axis=0)) / np.sqrt(len(some) - 1) for some in (first, second)]
    cross = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    return float(sum((root**2).sum() for root in roots) - 2 * cross)


def kernel_distance(first: Features, second: Features) -> float:
    """Return the squared maximum mean discrepancy under the kernel (x·y / d + 1)³, without bias.

    Bińkowski et al., arXiv:1801.01401, over the whole sets (n, d) and (m, d), equal in expectation to 0
    for sets of one distribution.
    """
    count_1, count_2 = len(first), len(second)
    within_1 = (_kernel_sum(first, first) - _kernel_trace(first)) / (count_1 * (count_1 - 1))
    within_2 = (_kernel_sum(second, second) - _kernel_trace(second)) / (count_2 * (count_2 - 1))
    return within_1 + within_2 - 2 * _kernel_sum(first, second) / (count_1 * count_2)


def precision(real: Features, generated: Features) -> float:
    """Return the share of generated pictures (m, d) among the real (n, d), in [0, 1].

    "Among" is within the distance of the third nearest neighbour of one of the set: Kynkäänniemi et al.,
    arXiv:1904.06991.
    """
    return _covered(generated, real)


def recall(real: Features, generated: Features) -> float:
    """Return the share of real pictures (n, d) among the generated (m, d), in [0, 1], as `precision`."""
    return _covered(real, generated)


def _kernel_sum(first: Features, second: Features) -> float:
    size = first.shape[1]
    chunks = (first[start : start + CHUNK] for start in range(0, len(first), CHUNK))
    return float(sum(((chunk @ second.T / size + 1) ** 3).sum() for chunk in chunks))


def _kernel_trace(features: Features) -> float:
    return float((((features**2).sum(axis=1) / features.shape[1] + 1) ** 3).sum())


def _covered(queries: Features, support: Features) -> float:
    radii = np.concatenate(
        [
            # The nearest is the picture itself.
            np.partition(square_distances(support[first : first + CHUNK], support), NEIGHBOURS, axis=1)[
                :, NEIGHBOURS
            ]
            for first in range(0, len(support), CHUNK)
        ]
    )
    inside = [
        (square_distances(queries[first : first + CHUNK], support) <= radii).any(axis=1)
        for first in range(0, len(queries), CHUNK)
    ]
    return float(np.concatenate(inside).mean())


def square_distances(first: Features, second: Features) -> NDArray[np.float64]:
    """Return the squared distances of each of the first (n, d) from each of the second (m, d): (n, m)."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    distances: NDArray[np.float64] = np.clip(squares, 0, None)
    return distances

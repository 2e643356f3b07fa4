"""The metrics against closed forms, against sets made by hand, and against SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from training.metrics import distances
from training.metrics.distances import frechet_distance, kernel_distance


def precision_recall(real, generated):
    return distances.precision(real, generated), distances.recall(real, generated)


def draw(seed, count=4000, size=3):
    return np.random.default_rng(seed).normal(size=(count, size))


def draw_correlated(seed, count, size):
    random = np.random.default_rng(seed)
    return draw(seed + 100, count, size) @ random.normal(size=(size, size)) + random.normal(size=size)


def draw_exactly(seed, mean, covariance):
    """A set whose mean and covariance are exactly these."""
    features = draw(seed, 500, len(mean))
    features -= features.mean(axis=0)
    features @= np.linalg.inv(np.linalg.cholesky(np.cov(features, rowvar=False))).T
    return features @ np.linalg.cholesky(covariance).T + mean


def test_equal_sets_have_no_frechet_distance():
    features = draw(0)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_of_fewer_pictures_than_features_the_frechet_distance_is_the_same_sum():
    first, second = draw(1, 9, 12), draw_correlated(2, 7, 12)
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    expected = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + sum(map(np.trace, covariances))
    cross = np.sqrt(np.clip(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0, None)).sum()
    assert frechet_distance(first, second) == pytest.approx(expected - 2 * cross)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_a_shift_and_a_scale_have_the_frechet_distance_of_the_closed_form():
    features = draw(0)
    assert frechet_distance(features, features + np.array([1, 2, 2], np.float64)) == pytest.approx(9)
    # Commuting covariances: the sum of (s1 - s2)² over the axes, plus the squared way of the means.
    expected = np.trace(np.cov(features, rowvar=False)) + (features.mean(axis=0) ** 2).sum()
    assert frechet_distance(features, 2 * features) == pytest.approx(expected)


def test_two_normal_distributions_in_the_plane_have_the_frechet_distance_worked_out_by_hand():
    # C1 = diag(4, 1), C2 = [[2, 1], [1, 2]]: C1 C2 = [[8, 4], [1, 2]] has trace 10 and determinant 12, and
    # tr (C1 C2)^½ = (trace + 2 determinant^½)^½ for 2x2.
    first = draw_exactly(1, [0, 0], np.diag([4.0, 1.0]))
    second = draw_exactly(2, [3, 4], np.array([[2.0, 1.0], [1.0, 2.0]]))
    expected = 25 + 5 + 4 - 2 * np.sqrt(10 + 2 * np.sqrt(12))
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


@pytest.mark.parametrize(("count", "size"), [(2000, 16), (40, 64)])
def test_the_frechet_distance_is_that_by_scipys_matrix_root_for_few_pictures_too(count, size):
    first, second = draw_correlated(1, count, size), draw_correlated(2, count, size)
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    # A singular product has a root only to about the square root of the precision: a little is added.
    ridge = 1e-7 * np.eye(size)
    root = sqrtm((covariances[0] + ridge) @ (covariances[1] + ridge)).real
    difference = first.mean(axis=0) - second.mean(axis=0)
    expected = (
        difference @ difference + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)
    )
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-4)


def test_one_distribution_has_no_kernel_distance_and_two_have_that_of_the_closed_form():
    assert kernel_distance(draw(1, 1000), draw(2, 1000)) == pytest.approx(0, abs=0.2)
    ones, zeros = np.ones((50, 4)), np.zeros((60, 4))
    assert kernel_distance(ones, zeros) == pytest.approx(2**3 + 1 - 2)


def test_the_kernel_distance_of_two_and_two_pictures_is_that_worked_out_by_hand():
    first, second = np.array([[1, 0], [0, 1]], np.float64), np.array([[2, 0], [0, 0]], np.float64)
    # (x·y / 2 + 1)³ within the first: 1; within the second: 1; between: 2³, 1, 1, 1.
    assert kernel_distance(first, second) == pytest.approx(1 + 1 - 2 * (8 + 1 + 1 + 1) / 4)


def test_the_kernel_distance_is_that_by_scikit_learns_kernel_in_chunks_of_any_size(monkeypatch):
    first, second = draw_correlated(1, 130, 5), draw_correlated(2, 170, 5)

    def kernel(x, y):
        return polynomial_kernel(x, y, degree=3, gamma=1 / 5, coef0=1)

    within = [
        (kernel(x, x).sum() - np.trace(kernel(x, x))) / (len(x) * (len(x) - 1)) for x in (first, second)
    ]
    expected = sum(within) - 2 * kernel(first, second).mean()
    assert kernel_distance(first, second) == pytest.approx(expected)
    monkeypatch.setattr(distances, "CHUNK", 33)
    assert kernel_distance(first, second) == pytest.approx(expected)


def test_precision_falls_with_strange_pictures_and_recall_with_missing_ones():
    real = np.concatenate([draw(1, 400), draw(2, 400) + 100])
    precision, recall = precision_recall(real, draw(3, 400))
    assert precision > 0.9
    assert 0.4 < recall < 0.51
    precision, recall = precision_recall(draw(3, 400), real)
    assert 0.4 < precision < 0.51
    assert recall > 0.9


def test_precision_and_recall_on_a_line_are_those_counted_by_hand():
    # The third neighbour of each of 0, 1 … 9 is 2 away inside and 3 at both ends: -3 to 12 is real.
    real = np.arange(10.0)[:, None]
    generated = np.array([-3, -3.1, 12, 12.1, 4.5, 5, 5.5, 6], np.float64)[:, None]
    precision, recall = precision_recall(real, generated)
    assert precision == 6 / 8
    # Of the generated, those from 4.5 to 6 reach 1, 1.5, 1, 1.5 far, -3 and -3.1 reach 8 and 8.1 far, 12
    # and 12.1 reach 6.5 and 6.6 far: all of 0 to 9 are near one.
    assert recall == 1.0
    assert precision_recall(real, np.array([4, 4.1, 4.2, 4.3], np.float64)[:, None])[1] == 1 / 10


def test_precision_and_recall_are_those_by_scikit_learns_neighbours(monkeypatch):
    real, generated = draw_correlated(1, 300, 4), draw_correlated(1, 200, 4) * 1.3

    def covered(queries, support):
        radii = NearestNeighbors(n_neighbors=4).fit(support).kneighbors(support)[0][:, 3]
        between = np.linalg.norm(queries[:, None] - support[None], axis=2)
        return (between <= radii).any(axis=1).mean()

    expected = (covered(generated, real), covered(real, generated))
    assert precision_recall(real, generated) == pytest.approx(expected)
    monkeypatch.setattr(distances, "CHUNK", 70)
    assert precision_recall(real, generated) == pytest.approx(expected)

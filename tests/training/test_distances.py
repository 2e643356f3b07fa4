import numpy as np
import pytest

from training.evaluation.distances import frechet_distance, kernel_distance, precision_recall


def draw(seed, count=4000, size=3):
    return np.random.default_rng(seed).normal(size=(count, size))


def test_equal_sets_have_no_frechet_distance():
    features = draw(0)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_a_shift_and_a_scale_have_the_frechet_distance_of_the_closed_form():
    features = draw(0)
    assert frechet_distance(features, features + np.float64([1, 2, 2])) == pytest.approx(9)
    # Commuting covariances: the sum of (s1 - s2)² over the axes, plus the squared way of the means.
    expected = np.trace(np.cov(features, rowvar=False)) + (features.mean(axis=0) ** 2).sum()
    assert frechet_distance(features, 2 * features) == pytest.approx(expected)


def test_one_distribution_has_no_kernel_distance_and_two_have_that_of_the_closed_form():
    assert kernel_distance(draw(1, 1000), draw(2, 1000)) == pytest.approx(0, abs=0.2)
    ones, zeros = np.ones((50, 4)), np.zeros((60, 4))
    assert kernel_distance(ones, zeros) == pytest.approx(2**3 + 1 - 2)


def test_precision_falls_with_strange_pictures_and_recall_with_missing_ones():
    real = np.concatenate([draw(1, 400), draw(2, 400) + 100])
    precision, recall = precision_recall(real, draw(3, 400))
    assert precision > 0.9
    assert 0.4 < recall < 0.51
    precision, recall = precision_recall(draw(3, 400), real)
    assert 0.4 < precision < 0.51
    assert recall > 0.9

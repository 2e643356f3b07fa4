import numpy as np
import pytest

from foundation.latents import draw_classes, draw_latents, truncate


def test_philox_latents_are_these_numbers_for_ever():
    latents = draw_latents([0, 1, 2**32 - 1], 3)
    expected = [
        [0.008088696, 0.15219213, -0.44680974],
        [0.49438775, -0.6922074, 0.5715938],
        [-1.0872848, 0.8293073, -0.509964],
    ]
    assert latents.dtype == np.float32
    np.testing.assert_array_equal(latents, np.array(expected, np.float32))


def test_randomstate_latents_are_those_of_the_stylegan_scripts():
    latents = draw_latents([85], 4, scheme="numpy-randomstate-1")
    np.testing.assert_array_equal(latents[0], np.random.RandomState(85).randn(4).astype(np.float32))


def test_a_seed_has_the_same_latent_in_any_company():
    together = draw_latents(range(50), 101)
    for seed in (0, 17, 49):
        np.testing.assert_array_equal(draw_latents([seed], 101)[0], together[seed])


def test_a_longer_latent_begins_like_a_shorter_one():
    np.testing.assert_array_equal(draw_latents([5], 100)[:, :7], draw_latents([5], 7))


@pytest.mark.parametrize("scheme", ["philox-1", "numpy-randomstate-1"])
def test_latents_are_standard_normal(scheme):
    latents = draw_latents(range(4000), 25, scheme=scheme).astype(np.float64)
    assert abs(latents.mean()) < 0.02
    assert abs(latents.std() - 1) < 0.02
    assert abs((latents**4).mean() - 3) < 0.2
    assert np.abs(np.corrcoef(latents.T) - np.eye(25)).max() < 0.08


@pytest.mark.parametrize("scheme", ["philox-1", "numpy-randomstate-1"])
def test_uniform_latents_fill_minus_one_to_one(scheme):
    latents = draw_latents(range(2000), 9, distribution="uniform", scheme=scheme)
    assert latents.min() >= -1
    assert latents.max() < 1
    assert abs(latents.std() - 3**-0.5) < 0.02


def test_classes_are_drawn_evenly_and_are_these_for_ever():
    classes = draw_classes(range(10_000), 10)
    counts = np.bincount(classes, minlength=10)
    assert counts.min() > 900
    assert counts.max() < 1100
    assert classes[:8].tolist() == [8, 0, 5, 7, 9, 7, 4, 8]


def test_truncation_scales_towards_the_mean():
    latents = np.array([[3.0, -1.0]], np.float32)
    np.testing.assert_allclose(truncate(latents, 0.5, None), [[1.5, -0.5]])
    np.testing.assert_allclose(truncate(latents, 0.5, [1.0, 1.0]), [[2.0, 0.0]])


def test_truncation_of_one_changes_no_bit():
    latents = draw_latents([1], 100)
    assert truncate(latents, 1.0, [0.1] * 100) is latents

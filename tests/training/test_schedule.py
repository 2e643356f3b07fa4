"""What changes along a run of `modern`: the rates, and the penalty."""

import numpy as np
import pytest

from training.config import find_preset, override
from training.modern.schedule import learning_rates, penalty_weight

TOTAL_STEPS = 1000
RATE = 2e-3


def configure(*assignments):
    return override(find_preset("modern"), ["hold=0.5", "final_rate=0.25", "penalty=0.05", *assignments])


def shares(configuration, step):
    return [float(rate) / RATE for rate in learning_rates(configuration, step, TOTAL_STEPS)]


def test_both_rates_rise_and_hold():
    for step, share in ((0, 0.01), (49, 0.5), (99, 1.0), (100, 1.0), (500, 1.0)):
        assert shares(configure(), step) == pytest.approx([share, share])


def test_the_discriminators_rate_falls_linearly_and_the_generators_as_its_square():
    for step, share in ((750, 0.625), (1000, 0.25)):
        assert shares(configure(), step) == pytest.approx([share**2, share])


def test_the_penalty_grows_as_the_generators_rate_shrinks():
    weights = [float(penalty_weight(configure(), step, TOTAL_STEPS)) for step in (0, 500, 750, 1000)]
    np.testing.assert_allclose(weights, [0.05, 0.05, 0.05 / 0.625**2, 0.8], rtol=1e-6)


def test_a_rate_that_falls_to_nothing_leaves_a_penalty_that_is_a_number():
    nothing = configure("final_rate=0")
    assert shares(nothing, TOTAL_STEPS) == [0.0, 0.0]
    assert float(penalty_weight(nothing, TOTAL_STEPS, TOTAL_STEPS)) == pytest.approx(5.0)


def test_without_settling_both_rates_are_one_and_the_penalty_stays():
    plain = configure("settle=false")
    for step, share in ((100, 1.0), (750, 0.625), (1000, 0.25)):
        assert shares(plain, step) == pytest.approx([share, share])
        assert penalty_weight(plain, step, TOTAL_STEPS) == 0.05

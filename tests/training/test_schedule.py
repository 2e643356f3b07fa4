"""What changes along a run of `modern`: the rates, and the penalty."""

import pytest

from training.config import find_preset, override
from training.modern.schedule import learning_rates, penalty_weight

TOTAL_STEPS = 2000
RATE = 2e-3


def configure(*assignments):
    return override(find_preset("modern"), ["hold=0.5", "final_rate=0.25", "settle=0.5", *assignments])


def shares(configuration, step):
    return [float(rate) / RATE for rate in learning_rates(configuration, step, TOTAL_STEPS)]


def weight(configuration, step):
    return float(penalty_weight(configuration, step, TOTAL_STEPS)) / configuration.penalty


def test_both_rates_rise_hold_and_fall():
    for step, share in ((0, 0.01), (49, 0.5), (99, 1.0), (100, 1.0), (500, 1.0), (750, 0.625), (999, 0.2515)):
        assert shares(configure(), step) == pytest.approx([share, share])
        assert weight(configure(), step) == pytest.approx(1.0)


def test_then_the_networks_settle_at_rates_that_start_again_and_fall_and_the_penalty_weighs_more():
    for step, share in ((1000, 0.2), (1500, 0.2), (1750, 0.11), (2000, 0.02)):
        assert shares(configure(), step) == pytest.approx([share, 3 * share])
        assert weight(configure(), step) == pytest.approx(4.0)


def test_without_settling_the_fall_is_over_the_whole_run_and_the_penalty_stays():
    plain = configure("settle=0")
    for step, share in ((1000, 1.0), (1500, 0.625), (1999, 0.25075)):
        assert shares(plain, step) == pytest.approx([share, share])
        assert weight(plain, step) == pytest.approx(1.0)

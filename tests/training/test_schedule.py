"""What changes along a run of `modern`: the rates, the penalty, and what the observer does."""

import pytest

from training.config import override
from training.modern.schedule import ObserverPlan, learning_rates, penalty_weight, plan_observer
from training.presets import find_preset

TOTAL_STEPS = 2000
RATE = 2e-3


def configure(*assignments):
    return override(
        find_preset("modern").defaults,
        [f"learning_rate={RATE}", "penalty=0.05", "hold=0.5", "final_rate=0.25", "settle=0.5", *assignments],
    )


def shares(configuration, step):
    return [float(rate) / RATE for rate in learning_rates(configuration, step, TOTAL_STEPS)]


def weight(configuration, step):
    return float(penalty_weight(configuration, step, TOTAL_STEPS)) / configuration.penalty


def test_both_rates_rise_hold_and_fall():
    for step, share in ((0, 0.01), (49, 0.5), (99, 1.0), (100, 1.0), (500, 1.0), (750, 0.625), (999, 0.2515)):
        assert shares(configure(), step) == pytest.approx([share, share])
        assert weight(configure(), step) == pytest.approx(1.0)


def test_then_the_networks_settle_at_rates_that_start_again_and_the_penalty_weighs_more():
    for step in (1000, 1500, 1999):
        assert shares(configure(), step) == pytest.approx([0.2, 0.6])
        assert weight(configure(), step) == pytest.approx(4.0)


def test_without_settling_the_fall_is_over_the_whole_run_and_the_penalty_stays():
    plain = configure("settle=0")
    for step, share in ((1000, 1.0), (1500, 0.625), (1999, 0.25075)):
        assert shares(plain, step) == pytest.approx([share, share])
        assert weight(plain, step) == pytest.approx(1.0)


def test_the_observer_learns_sees_one_epoch_and_is_heeded_while_the_networks_settle():
    plan = plan_observer(configure("epochs=20", "observer_share=0.25"), TOTAL_STEPS)
    assert plan == ObserverPlan(learnt=500, measured=600, matched=1000)


def test_the_observer_looks_at_a_whole_epoch():
    plan = plan_observer(configure("epochs=20", "observer_share=0.13"), TOTAL_STEPS)
    assert (plan.learnt, plan.measured) == (300, 400)


def test_an_observer_that_is_late_is_heeded_when_it_has_seen_an_epoch():
    plan = plan_observer(configure("epochs=20", "observer_share=0.75"), TOTAL_STEPS)
    assert plan == ObserverPlan(learnt=1500, measured=1600, matched=1600)

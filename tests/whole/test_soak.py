"""What `make soak` concludes from what it sees; the hour itself is not for the suite."""

import os

import pytest

from benchmarks.soak.report import draw_charts, write_summary
from benchmarks.soak.samples import Answer, Sample, Sampler, drift, latencies_by_minute, slope_per_hour
from benchmarks.soak.traffic import Traffic


@pytest.fixture
def traffic():
    """Nobody asks: nothing is started."""
    return Traffic("http://127.0.0.1:1", "grey")


def test_growth_is_counted_behind_the_warm_up():
    at_s = list(range(0, 3600, 60))
    memory = [200.0 if second < 900 else 400.0 + second / 360 for second in at_s]
    assert slope_per_hour(at_s, memory) == pytest.approx(10.0)
    assert slope_per_hour(at_s, [300.0] * len(at_s)) == pytest.approx(0, abs=1e-6)
    assert slope_per_hour([0.0], [1.0]) == 0


def test_drift_holds_the_end_against_what_came_after_the_warm_up():
    assert drift([9, 9, 1, 1, 1, 1, 2, 2]) == 2
    assert drift([5.0] * 8) == 1
    assert drift([1.0]) == 1


def test_latencies_are_told_by_the_minute_and_of_answers_alone():
    answers = [Answer(second, "walk", "200", 0.001 * second) for second in range(120)]
    answers.append(Answer(130, "walk", "503", 9.0))
    by_minute = latencies_by_minute(answers, "walk")
    assert by_minute[0][0] == pytest.approx(29.5)
    assert by_minute[1][0] == pytest.approx(89.5)
    assert list(by_minute) == [0, 1]
    assert latencies_by_minute(answers, "generate") == {}


def test_an_outcome_that_nobody_expects_is_a_fault(traffic):
    traffic.answers += [Answer(1, "walk", outcome, 0.1) for outcome in ("200", "503", "500", "500")]
    traffic.answers.append(Answer(2, "generate", "ReadError", 0.1))
    assert traffic.faults() == {"walk: 500": 2, "generate: ReadError": 1}


def test_the_summary_says_what_grew_what_slowed_down_and_what_failed(traffic, tmp_path):
    traffic.answers += [Answer(second, "generate", "200", 0.02) for second in range(180)]
    traffic.answers.append(Answer(190, "generate", "200", 9.0))  # its minute was not lived to the end
    traffic.answers.append(Answer(3, "walk", "500", 1.0))
    samples = [Sample(float(second), 200.0 + second, 30, 12) for second in range(200)]
    text = write_summary(tmp_path, samples, traffic, notes=["Nothing else."])
    assert "| memory, MB | 200 | 399 | 399 | +3600.0 |" in text
    assert "| generate | 20.0 → 20.0 |" in text
    assert "Faults: walk: 500 ×1." in text
    assert (tmp_path / "summary.md").read_text() == text
    assert draw_charts(tmp_path, samples, traffic).stat().st_size > 10_000


def test_samples_are_of_the_process_that_is_named():
    sampler = Sampler(os.getpid(), interval_s=0.01)
    sampler.start()
    while not sampler.samples:
        sampler.join(0.01)
    sampler.stop()
    sample = sampler.samples[0]
    assert sample.memory_mb > 10
    assert sample.threads >= 2
    assert sample.descriptors > 2

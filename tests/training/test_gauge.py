"""What measures a run while it goes on: how much its drawings differ, and how much time that may take."""

import numpy as np
import pytest

from tests.training.run_folders import describe_epoch
from tests.training.test_features import flat_pixels, write_network
from training.config import override
from training.data import Pictures
from training.evaluation.gauge import SHARE, Gauge
from training.metrics.spread import measure_spread
from training.presets import find_preset
from training.recorder import Recorder
from training.run.progress import describe_measuring
from training.shape import PictureShape


@pytest.fixture
def gauge(tmp_path):
    """A gauge of forty pictures of 8x8, of two classes, that may take a twentieth of the time."""
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
    pictures = Pictures(images, np.arange(40) % 2, PictureShape(size=8, channels=1, class_names=("a", "b")))
    network = write_network(tmp_path / "pixels.onnx", ["n", 1, 8, 8], flat_pixels())
    return Gauge(network, pictures, 40, SHARE)


def draw_alike(monkeypatch, gauge, alike):
    """Let the gauge see training pictures as drawings, or the first of each class alone."""

    def draw(generator, seeds, latent_size, classes):
        rows = np.arange(len(seeds)) % (2 if alike else 40)
        return gauge.pictures.images[rows], np.asarray(gauge.pictures.labels)[rows]

    monkeypatch.setattr(gauge, "draw", draw)
    return gauge.measure(None, 4, 2)


def test_drawings_that_are_one_for_each_class_have_no_spread(gauge, monkeypatch):
    real = draw_alike(monkeypatch, gauge, alike=False)
    assert real.spread == pytest.approx(1)
    assert real.distance == pytest.approx(0, abs=1e-3)
    collapsed = draw_alike(monkeypatch, gauge, alike=True)
    assert collapsed.spread == pytest.approx(0, abs=1e-6)
    assert collapsed.distance > 1


def test_the_spread_is_within_the_classes_where_there_are_any():
    features = np.array([[0.0], [2.0], [100.0], [102.0], [500.0]])
    assert measure_spread(features, np.array([0, 0, 1, 1, 2])) == pytest.approx(1)
    assert measure_spread(features) > 100
    assert measure_spread(features, np.arange(5)) == measure_spread(features)
    assert measure_spread(features[:1]) == 0


def test_measuring_keeps_within_its_share_of_the_time_of_training(gauge, monkeypatch):
    monkeypatch.setattr(gauge, "_probe_s", lambda: 10.0)
    rows = [describe_epoch(epoch) for epoch in range(1, 4)]  # 500 s each
    assert gauge.affords([], 200)
    assert not gauge.affords([], 199)
    spent = [rows[0].model_copy(update={"measuring_s": 20.0}), *rows[1:]]
    assert gauge.affords(spent, 0)  # 30 s of 1,500
    assert not gauge.affords([row.model_copy(update={"measuring_s": 30.0}) for row in rows], 0)
    gauge.share = None
    assert gauge.affords([], 0)


def test_what_measuring_takes_is_probed_once_and_only_where_it_counts(gauge, monkeypatch):
    costs = iter([10.0])
    monkeypatch.setattr(gauge, "_probe_s", lambda: next(costs))
    gauge.share, share = None, gauge.share
    gauge.probe()
    gauge.share = share
    gauge.probe()
    assert gauge.affords([], 200)
    assert not gauge.affords([], 199)


def test_what_a_measurement_took_is_known_after_the_first(gauge, monkeypatch):
    times = iter([0.0, 100.0, 106.0])
    monkeypatch.setattr("training.evaluation.gauge.time.monotonic", lambda: next(times))
    assert draw_alike(monkeypatch, gauge, alike=False).seconds == 106
    assert gauge.affords([], 120)  # the next takes 6: the training pictures are known
    assert not gauge.affords([], 119)


def test_a_run_says_what_measuring_took():
    rows = [describe_epoch(epoch) for epoch in range(1, 3)]
    assert describe_measuring(rows) == ""
    rows[1] = rows[1].model_copy(update={"measuring_s": 50.0})
    assert describe_measuring(rows) == "The pictures were measured once, in 4.8% of the time."


@pytest.mark.parametrize(("affords", "epochs"), [(True, [2, 4, 5]), (False, [5])])
def test_what_does_not_fit_into_the_share_is_left_out_but_never_after_the_last_epoch(
    gauge, monkeypatch, affords, epochs
):
    monkeypatch.setattr(gauge, "affords", lambda stats, seconds: affords)
    recorder = object.__new__(Recorder)  # without a run: what is asked here needs none
    recorder.gauge, recorder.stats = gauge, []
    recorder.configuration = override(find_preset("modern").defaults, ["epochs=5", "evaluation_epochs=2"])
    assert [epoch for epoch in range(1, 6) if recorder.is_measured(epoch, 1.0)] == epochs
    recorder.gauge = None
    assert not recorder.is_measured(5, 1.0)

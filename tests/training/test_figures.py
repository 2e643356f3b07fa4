"""A figure's name says its metric and its protocol, and the metric which way is better."""

import numpy as np
import pytest

from training.errors import EvaluationError
from training.metrics import (
    GENERATED,
    HELD_OUT,
    METRICS,
    REAL,
    TRAINING,
    Figure,
    Protocol,
    find_metric,
    parse_figure,
    warn_of_few,
    write_figure,
)
from training.run.best import BestCheckpoint


@pytest.mark.parametrize(
    ("name", "metric", "protocol"),
    [
        ("fd_fashion_cnn_10k", "fd", Protocol("fashion_cnn", 10_000, GENERATED)),
        ("precision_fashion_cnn_10k_real", "precision", Protocol("fashion_cnn", 10_000, REAL)),
        ("fd_fashion_cnn_5k_train", "fd", Protocol("fashion_cnn", 5000, TRAINING)),
        (
            "copied_efficientnet_lite0_224_1k_train",
            "copied",
            Protocol("efficientnet_lite0_224", 1000, TRAINING),
        ),
        ("copied_pixels16_188_test", "copied", Protocol("pixels16", 188, HELD_OUT)),
        ("recall_space_2_real_60", "recall", Protocol("space_2_real", 60, GENERATED)),
    ],
)
def test_a_name_is_read_back_as_it_was_written(name, metric, protocol):
    figure = Figure(METRICS[metric], protocol)
    assert figure.name == name
    assert parse_figure(name) == figure


@pytest.mark.parametrize("name", ["keras_pixels_differing", "fd", "fd_fashion_cnn", "fid_inception_10k", ""])
def test_what_is_no_figure_is_none(name):
    assert parse_figure(name) is None


def test_a_metric_compares_the_sample_with_the_reference():
    apart = np.random.default_rng(0).normal(size=(40, 2))
    reference, sample = np.concatenate([apart, apart + 50]), apart + 0.01
    values = {
        name: Figure(metric, Protocol("s", 40, GENERATED)).measure(reference, sample)
        for name, metric in METRICS.items()
    }
    assert values["fd"] > 100
    assert values["precision"] == 1.0
    assert values["recall"] == 0.5


def checkpoint(figure, value):
    return BestCheckpoint(step=1, epoch=1, figure=figure, value=value)


@pytest.mark.parametrize(
    ("metric", "better"), [("fd", 1.0), ("kd", 1.0), ("copied", 1.0), ("precision", 2.0), ("recall", 2.0)]
)
def test_the_best_checkpoint_is_the_one_that_its_metric_says_is_better(metric, better):
    figures = [checkpoint(f"{metric}_s_10", value) for value in (better, 3.0 - better)]
    assert figures[0].beats(figures[1])
    assert not figures[1].beats(figures[0])
    assert not figures[0].beats(figures[0])


def test_a_figure_of_no_metric_is_named():
    with pytest.raises(EvaluationError, match="'fid_x' is the figure of no metric; there are fd, kd"):
        find_metric("fid_x")


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("fd_efficientnet_lite0_6", 854.9612, "850"),
        ("kd_efficientnet_lite0_6_real", 0.037641, "0.038"),
        ("fd_efficientnet_lite0_1885", 349.4444, "349"),
        ("fd_efficientnet_lite0_5k", 1234.5, "1,230"),
        ("fd_fashion_cnn_10k", 0.0590449, "0.05904"),
        ("kd_fashion_cnn_600", 0.0, "0"),
        ("kd_fashion_cnn_600", -0.00123, "-0.00123"),
        ("precision_efficientnet_lite0_6", 0.8333, "0.8"),
        ("recall_fashion_cnn_10k", 0.81234, "0.812"),
        ("copied_pixels16_1k_train", 0.004, "0.004"),
        ("copied_pixels16_1k_train", 0.0, "0.000"),
        ("precision_fashion_cnn_5", 1.0, "1.0"),
        ("something_else", 0.123456, "0.1235"),
    ],
)
def test_a_figure_is_written_with_the_digits_that_its_pictures_bear(name, value, written):
    assert write_figure(name, value) == written


def test_figures_of_few_pictures_come_with_a_warning_and_copies_of_many_drawings_do_not_hide_it():
    assert "of 6 pictures are rough: another 6" in warn_of_few(["fd_a_6", "kd_a_6", "copied_a_1k_train"])
    assert warn_of_few(["fd_a_5k", "copied_a_12_test"]) == ""
    assert warn_of_few(["nothing"]) == ""

"""What is measured of generated pictures: the metrics, each found by its name, and how a figure is called.

It imports the errors alone, and reads no file: never TensorFlow.
"""

from training.metrics.digits import warn_of_few, write_figure
from training.metrics.figures import (
    GENERATED,
    HELD_OUT,
    MIN_IMAGES,
    REAL,
    TRAINING,
    Figure,
    Protocol,
    parse_figure,
)
from training.metrics.registry import COPIED, DISTANCES, METRICS, Metric, find_metric

__all__ = [
    "COPIED",
    "DISTANCES",
    "GENERATED",
    "HELD_OUT",
    "METRICS",
    "MIN_IMAGES",
    "REAL",
    "TRAINING",
    "Figure",
    "Metric",
    "Protocol",
    "find_metric",
    "parse_figure",
    "warn_of_few",
    "write_figure",
]

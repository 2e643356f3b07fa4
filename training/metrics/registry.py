"""The registry of metrics: what each is called, which way is better, and how it is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from training.errors import EvaluationError
from training.metrics.copies import copied_share
from training.metrics.distances import Features, frechet_distance, kernel_distance, precision, recall


@dataclass(frozen=True, slots=True)
class Metric:
    """A number for how a sample of pictures stands to reference pictures, by the features of both."""

    name: str
    """With which the names of its figures begin; it holds no `_`."""
    title: str
    meaning: str
    compute: Callable[[Features, Features], float]
    """Of the features of the reference (n, d) and of the sample (m, d), in this order."""
    less_is_better: bool = False
    is_share: bool = False
    """Whether it is a share of the pictures, 0 to 1."""

    def is_better(self, value: float, other: float) -> bool:
        """Say whether `value` is that of nearer pictures than `other`; equal ones are not."""
        return value < other if self.less_is_better else value > other


DISTANCES: tuple[Metric, ...] = (
    Metric("fd", "Fréchet distance", "less is better", frechet_distance, less_is_better=True),
    Metric("kd", "Kernel distance", "less is better", kernel_distance, less_is_better=True),
    Metric("precision", "Precision", "share of the pictures that could be real", precision, is_share=True),
    Metric("recall", "Recall", "share of the real ones that it could have drawn", recall, is_share=True),
)
"""Of pictures that are held against as many others."""
COPIED = Metric(
    "copied",
    "Copied",
    "share of the pictures that are copies",
    copied_share,
    less_is_better=True,
    is_share=True,
)
"""Of pictures that are held against all training pictures."""
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in (*DISTANCES, COPIED)})


def find_metric(figure: str) -> Metric:
    """Return the metric that a figure of this name is of; raise EvaluationError where there is none."""
    name = figure.partition("_")[0]
    if name not in METRICS:
        raise EvaluationError(f"'{figure}' is the figure of no metric; there are {', '.join(METRICS)}.")
    return METRICS[name]

"""A figure written with as many digits as it bears: of few pictures these are few."""

from collections.abc import Iterable
from math import ceil, floor, log10, sqrt

from training.metrics.figures import Figure, parse_figure
from training.metrics.registry import DISTANCES

FEW_COMPARED = 1000
"""Figures of fewer pictures are rough: those of another lot of the same set are others."""
SIGNIFICANT = ((100, 2), (10_000, 3))
"""Of a distance of fewer pictures, so many digits; four of more."""


def write_figure(name: str, value: float) -> str:
    """Return the value of a figure of this name as a person should read it."""
    figure = parse_figure(name)
    if figure is None or value != value or abs(value) == float("inf"):
        return f"{value:.4g}"
    return write_share(figure, value) if figure.metric.is_share else write_distance(figure, value)


def write_share(figure: Figure, value: float) -> str:
    """Return a share to the place of its standard error, by Laplace's rule for shares near 0 and 1."""
    count = figure.protocol.images
    expected = (value * count + 1) / (count + 2)
    error = sqrt(expected * (1 - expected) / count)
    places = min(ceil(-log10(error)), ceil(log10(count)))
    return f"{value:.{max(1, places)}f}"


def write_distance(figure: Figure, value: float) -> str:
    """Return a distance with so many significant digits as pictures make sure of."""
    digits = next((digits for count, digits in SIGNIFICANT if figure.protocol.images < count), 4)
    if not value:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"


def warn_of_few(names: Iterable[str]) -> str:
    """Return what it means that figures of these names are of few pictures; empty where they are not."""
    figures = [figure for figure in map(parse_figure, names) if figure and figure.metric in DISTANCES]
    count = min((figure.protocol.images for figure in figures), default=FEW_COMPARED)
    if count >= FEW_COMPARED:
        return ""
    return (
        f"Figures of {count:,} pictures are rough: another {count:,} would give others. What ends in _real, "
        f"of real pictures, is what to hold them against. {FEW_COMPARED:,} are enough: add pictures, or hold "
        "out more of them in a new run (--set held_out=0.3)."
    )

"""This tree held against another commit's, in one run: `--against PATH` of each benchmark of the service.

`git worktree add PATH COMMIT` lays the other one out. It runs on the same Python and packages, serves the
same models, and has its turn in every round; the ratio of each figure is the median of its rounds' ratios.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks.servers import Running, start_ganymede

Found = TypeVar("Found")


def add_against(parser: argparse.ArgumentParser) -> None:
    """Add the option `--against PATH`, and how long a comparison takes."""
    parser.add_argument("--against", type=Path, metavar="PATH", help="another tree of this project")
    parser.add_argument("--rounds", type=int, default=5)


@contextmanager
def start_both(models: Path, model: str, tree: Path, **variables: str) -> Iterator[tuple[Running, Running]]:
    """The services of this tree and of `tree`, side by side; only one at a time is to be asked."""
    with (
        start_ganymede(models, model, **variables) as ours,
        start_ganymede(models, model, tree, **variables) as theirs,
    ):
        yield ours, theirs


def alternate(
    ours: Running, theirs: Running, rounds: int, measure: Callable[[Running], Found]
) -> list[tuple[Found, Found]]:
    """What `measure` finds of both in every round; who begins changes."""
    pairs = []
    for turn in range(rounds):
        if turn % 2 == 0:
            mine = measure(ours)
            pairs.append((mine, measure(theirs)))
        else:
            other = measure(theirs)
            pairs.append((measure(ours), other))
    return pairs


def ratios_of(pairs: Sequence[tuple[Found, Found]], value: Callable[[Found], float]) -> list[float]:
    """Ours divided by theirs in every round, in order of size; without the rounds that have no ratio."""
    values = [(value(mine), value(other)) for mine, other in pairs]
    return sorted(mine / other for mine, other in values if other)


def describe_ratios(ratios: Sequence[float]) -> str:
    """Their median, and the first and the last of them."""
    if not ratios:
        return "–"
    return f"{statistics.median(ratios):.3f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

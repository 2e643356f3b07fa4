"""Serving, against the reference or another commit in the same run: `python -m benchmarks.serving`.

Both servers run the same graph and answer the same grids; rounds alternate between them, so that a noisy
machine hurts both, and the ratio of each scenario is the median of its rounds' ratios.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.against import add_against, alternate, describe_ratios, ratios_of, start_both
from benchmarks.servers import Running, start_by_hand, start_ganymede
from foundation.store import FolderStore, parse_reference, resolve_version
from ganymede.load import Measured, apply_load

MODELS = Path("models")


@dataclass(frozen=True, slots=True)
class Scenario:
    """So many images a request, over so many connections."""

    images: int
    connections: int

    def __str__(self) -> str:
        return f"{self.images} × {self.connections}"


@dataclass(frozen=True, slots=True)
class Spent:
    """What one round saw of a tree's service."""

    images_per_s: float
    cpu_s_per_image: float
    p50_ms: float
    p99_ms: float
    failed: int


SCENARIOS = (Scenario(1, 32), Scenario(16, 16), Scenario(64, 8), Scenario(1, 1))


def measure(server: Running, scenario: Scenario, seconds: int) -> Measured:
    """One round."""
    return apply_load(server.url, images=scenario.images, connections=scenario.connections, seconds=seconds)


def compare(model: str, *, rounds: int, seconds: int, console: Console) -> None:
    """Print a table of both servers in every scenario."""
    store = FolderStore(MODELS)
    reference = parse_reference(model)
    version = resolve_version(store, reference)
    graph = MODELS / reference.model / "versions" / version / "generator.onnx"
    table = Table("images × connections", "ours /s", "by hand /s", "ratio", "p50 ms", "p99 ms", box=None)
    with start_ganymede(MODELS, f"{reference.model}@{version}") as ours, start_by_hand(graph) as peer:
        console.print(
            f"{reference.model}@{version}: ready after {ours.start_s:.2f} s with {ours.resident_mb:.0f} MB"
        )
        for scenario in SCENARIOS:
            for server in (ours, peer):
                measure(server, scenario, 1)
            pairs = alternate(ours, peer, rounds, partial(measure, scenario=scenario, seconds=seconds))
            table.add_row(*describe(scenario, pairs))
        console.print(table)
        console.print(f"after the load: {ours.resident_mb:.0f} MB (by hand {peer.resident_mb:.0f} MB)")


def compare_trees(
    model: str, tree: Path, scenarios: Sequence[Scenario], *, rounds: int, seconds: int, console: Console
) -> None:
    """Print a table of this tree against `tree`: images a second, CPU an image, and latency, as ratios."""
    table = Table("images × connections", "images/s", "CPU s/image", "p50", "p99", "failed", box=None)
    with start_both(MODELS, model, tree) as (ours, theirs):
        for scenario in scenarios:
            for server in (ours, theirs):
                measure(server, scenario, 1)
            spent = partial(measure_spent, scenario=scenario, seconds=seconds)
            pairs = alternate(ours, theirs, rounds, spent)
            names = ("images_per_s", "cpu_s_per_image", "p50_ms", "p99_ms")
            ratios = (describe_ratios(ratios_of(pairs, attrgetter(name))) for name in names)
            failed = sum(found.failed for pair in pairs for found in pair)
            table.add_row(str(scenario), *ratios, str(failed))
    console.print(f"{model}: this tree / {tree}, medians of {rounds} rounds of {seconds} s (least to most)")
    console.print(table)


def measure_spent(server: Running, scenario: Scenario, seconds: int) -> Spent:
    """One round, and what it cost the server's process."""
    before_s = server.cpu_s
    found = measure(server, scenario, seconds)
    images = max(1, found.requests * scenario.images)
    return Spent(
        found.images_per_s, (server.cpu_s - before_s) / images, found.p50_ms, found.p99_ms, found.failed
    )


def describe(scenario: Scenario, pairs: list[tuple[Measured, Measured]]) -> list[str]:
    """A row of the table; medians over the rounds."""

    def medians(name: str) -> tuple[float, float]:
        ours = statistics.median(getattr(pair[0], name) for pair in pairs)
        return ours, statistics.median(getattr(pair[1], name) for pair in pairs)

    ratio = statistics.median(ours.images_per_s / peer.images_per_s for ours, peer in pairs)
    failed = sum(ours.failed + peer.failed for ours, peer in pairs)
    rates, p50, p99 = medians("images_per_s"), medians("p50_ms"), medians("p99_ms")
    return [
        str(scenario) + (f" ({failed} failed)" if failed else ""),
        f"{rates[0]:.0f}",
        f"{rates[1]:.0f}",
        f"{ratio:.2f}",
        f"{p50[0]:.2f} ({p50[0] / p50[1]:.2f}×)",
        f"{p99[0]:.2f} ({p99[0] / p99[1]:.2f}×)",
    ]


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fashion")
    parser.add_argument("--seconds", type=int, default=4)
    add_against(parser)
    chosen = parser.parse_args()
    rounds, seconds = chosen.rounds, chosen.seconds
    if chosen.against is None:
        compare(chosen.model, rounds=rounds, seconds=seconds, console=Console())
    else:
        compare_trees(
            chosen.model, chosen.against, SCENARIOS, rounds=rounds, seconds=seconds, console=Console()
        )


if __name__ == "__main__":
    main()

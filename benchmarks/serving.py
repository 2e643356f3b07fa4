"""Serving, against the reference in the same run: `python -m benchmarks.serving`.

Both servers run the same graph and answer the same grids; rounds alternate between them, so that a noisy
machine hurts both, and the ratio of each scenario is the median of its rounds' ratios.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

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
            pairs = []
            for turn in range(rounds):
                first, second = (ours, peer) if turn % 2 == 0 else (peer, ours)
                found = {server.name: measure(server, scenario, seconds) for server in (first, second)}
                pairs.append((found[ours.name], found[peer.name]))
            table.add_row(*describe(scenario, pairs))
        console.print(table)
        console.print(f"after the load: {ours.resident_mb:.0f} MB (by hand {peer.resident_mb:.0f} MB)")


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fashion")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    chosen = parser.parse_args()
    compare(chosen.model, rounds=chosen.rounds, seconds=chosen.seconds, console=Console())

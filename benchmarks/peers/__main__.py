"""Ours against every peer, under one load, in alternating rounds: `python -m benchmarks.peers`.

All serve the same file, and are asked for the same pictures first: what differs in a pixel is not compared.
The peers install themselves at first into `.cache/peers`. With `--record` the table goes into
`benchmarks/RESULTS.md`, and the chart and all rounds beside it; `--again` writes them from those rounds.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.peers.comparison import Result, compare, describe_machine
from benchmarks.peers.environments import find_python, read_versions
from benchmarks.peers.models import SIDES, find_model
from benchmarks.peers.report import draw_chart, put_table, write_table
from benchmarks.peers.stacks import STACKS

RESULTS = Path("benchmarks/RESULTS.md")
ROUNDS = Path("benchmarks/peers.json")
CHART = Path("benchmarks/peers.svg")
MODELS = ("fashion@v3", "fashion@v2", *SIDES)
"""Exact arithmetic, floats, and larger pictures."""


def write(run: dict[str, Any], *, record: bool, console: Console) -> None:
    """Print the table of all rounds so far, and put it, the chart and the rounds where they are kept."""
    results = [Result.read(entry) for entry in run["results"]]
    table = write_table(run["machine"], run["versions"], results, seconds=run["seconds"])
    if record:
        ROUNDS.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw_chart(CHART, results)
        put_table(RESULTS, table)
        console.print(f"{len(results)} models are in {RESULTS}, {CHART} and {ROUNDS}.")
    else:
        console.print(table, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Read the options and measure."""
    names = [stack.name for stack in STACKS]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=MODELS, help="bundled, or 64 or 256")
    parser.add_argument("--peers", nargs="+", choices=names, default=names, metavar="PEER", help=f"{names}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of each server in each round")
    parser.add_argument("--record", action="store_true", help=f"write {RESULTS}, {CHART} and {ROUNDS}")
    parser.add_argument("--again", action="store_true", help=f"write them from {ROUNDS}; nothing is measured")
    chosen = parser.parse_args()
    console = Console()
    if chosen.again:
        write(json.loads(ROUNDS.read_text(encoding="utf-8")), record=True, console=console)
        return
    stacks = [stack for stack in STACKS if stack.name in chosen.peers]
    for stack in stacks:
        find_python(stack.environment)
    models = [find_model(name) for name in chosen.models]
    run: dict[str, Any] = {
        "machine": describe_machine(),
        "versions": read_versions(),
        "seconds": chosen.seconds,
        "results": [],
    }
    for model in models:
        console.print(f"{model.reference}: {len(stacks) + 1} servers, {len(model.scenarios)} scenarios")
        result = compare(model, stacks, rounds=chosen.rounds, seconds=chosen.seconds)
        run["results"].append(asdict(result))
        write(run, record=chosen.record, console=console)


if __name__ == "__main__":
    main()

"""Ours against every peer, under one load, in alternating rounds: `python -m benchmarks.peers`.

All serve the same file, and are asked for the same pictures first: what differs in a pixel is not compared.
The peers install themselves at first into `.cache/peers`.
"""

import argparse
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.peers.graphs import LATENT, make_graph
from benchmarks.peers.pictures import draw_feeds
from benchmarks.peers.stacks import STACKS, ask_pixels, start_stack
from benchmarks.servers import Running, start_ganymede
from benchmarks.serving import SCENARIOS, Scenario, measure
from foundation.store import FolderStore, parse_reference, resolve_version

CACHE = Path(".cache/peers")
SIDES = {"64": 64, "256": 256}
OURS = "Ganymede"


def find_model(name: str) -> tuple[Path, str, dict[str, int]]:
    """The store, the version and the inputs' sizes of a bundled model, or of a made one of 64² or 256²."""
    models = Path("models")
    if name in SIDES:
        models, side, name = CACHE / "models", SIDES[name], f"made{name}"
        if not (models / name).exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            graph = CACHE / f"{name}.onnx"
            graph.write_bytes(make_graph(side))
            command = [sys.executable, "-m", "ganymede", "import", str(graph), "--name", name]
            command += ["--models", str(models), "--layout", "nhwc", "--range", "0,255"]
            subprocess.run([*command, "--promote", "production"], check=True)
        store = FolderStore(models)
        return models, f"{name}@{resolve_version(store, parse_reference(name))}", {"latent": LATENT}
    store = FolderStore(models)
    reference = parse_reference(name)
    version = resolve_version(store, reference)
    manifest = store.manifest(reference.model, version)
    sizes = {"latent": manifest.latent.size}
    if manifest.label is not None:
        sizes["label"] = len(manifest.label.classes)
    return models, f"{reference.model}@{version}", sizes


def check_pixels(servers: dict[str, Running], sizes: dict[str, int], console: Console) -> None:
    """Take out the servers that answer other pixels than ours."""
    feeds = draw_feeds(sizes, 7, 5)
    body: dict[str, object] = {"latents": feeds["latent"].tolist()}
    if "label" in feeds:
        body["labels"] = feeds["label"].argmax(axis=1).tolist()
    ours = ask_pixels(servers[OURS], body)
    for name in [name for name in servers if name != OURS]:
        theirs = ask_pixels(servers[name], {"seed": 7, "count": 5})
        if not np.array_equal(ours, theirs):
            console.print(f"{name} answers other pixels, and is left out")
            del servers[name]


def compare(
    name: str, scenarios: tuple[Scenario, ...], *, rounds: int, seconds: int, console: Console
) -> dict[str, list[float]]:
    """Print a table of images a second, ours and how many times a peer's; the ratios by peer and scenario."""
    models, model, sizes = find_model(name)
    graph = models / model.partition("@")[0] / "versions" / model.partition("@")[2] / "generator.onnx"
    with ExitStack() as held:
        servers = {OURS: held.enter_context(start_ganymede(models, model))}
        for stack in STACKS:
            try:
                servers[stack.name] = held.enter_context(start_stack(stack, graph))
            except (RuntimeError, subprocess.CalledProcessError) as error:
                console.print(f"{stack.name} is left out: {error}")
        check_pixels(servers, sizes, console)
        peers = [peer for peer in servers if peer != OURS]
        table = Table(model, f"{OURS} /s", *(f"÷ {peer}" for peer in peers), box=None)
        ratios: dict[str, list[float]] = {peer: [] for peer in peers}
        for scenario in scenarios:
            found: dict[str, list[float]] = {server: [] for server in servers}
            for turn in range(rounds + 1):
                names = list(servers) if turn % 2 else list(reversed(servers))
                for server in names:
                    rate = measure(servers[server], scenario, seconds).images_per_s
                    if turn:  # the first one warms up
                        found[server].append(rate)
            for peer in peers:
                pairs = zip(found[OURS], found[peer], strict=True)
                ratios[peer].append(
                    statistics.median(ours / theirs if theirs else 0.0 for ours, theirs in pairs)
                )
            row = [f"{ratios[peer][-1]:.2f}" for peer in peers]
            table.add_row(str(scenario), f"{statistics.median(found[OURS]):.0f}", *row)
        console.print(table)
    return ratios


def draw_chart(
    path: Path, ratios: dict[str, dict[str, list[float]]], scenarios: tuple[Scenario, ...]
) -> None:
    """How many times a peer's images ours are, a panel a model, as SVG."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(ratios), figsize=(5 * len(ratios), 4), squeeze=False)
    for panel, (model, by_peer) in zip(panels[0], ratios.items(), strict=True):
        places = np.arange(len(scenarios))
        for index, (peer, values) in enumerate(by_peer.items()):
            panel.bar(places + index / (len(by_peer) + 1), values, 1 / (len(by_peer) + 1), label=peer)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_title(model)
        panel.set_xticks(places, [str(scenario) for scenario in scenarios])
        panel.set_ylabel("images a second, ours ÷ theirs")
    panels[0][0].legend(loc="upper left", fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["fashion", *SIDES], help="bundled, or 64 or 256")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--chart", type=Path, help="where a chart of the ratios goes, as SVG")
    chosen = parser.parse_args()
    console, scenarios = Console(width=120), SCENARIOS[:3]
    ratios = {
        model: compare(model, scenarios, rounds=chosen.rounds, seconds=chosen.seconds, console=console)
        for model in chosen.models
    }
    if chosen.chart is not None:
        draw_chart(chosen.chart, ratios, scenarios)


if __name__ == "__main__":
    main()

"""The models that all serve: bundled ones, and larger ones that are made here."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import ENVIRONMENTS
from benchmarks.peers.graphs import LATENT, make_graph
from benchmarks.serving import SCENARIOS, Scenario
from foundation.store import FolderStore, parse_reference, resolve_version

BUNDLED = Path("models")
SIDES = {"64": 64, "256": 256}
"""Their names on the command line, and their pictures' height and width in pixels."""
_MADE_SCENARIOS = {
    "64": (Scenario(1, 32), Scenario(4, 16), Scenario(16, 8)),
    "256": (Scenario(1, 16), Scenario(4, 8), Scenario(8, 4)),
}
"""An image takes longer there: with as many at once as of a small model a round would see few answers."""


@dataclass(frozen=True, slots=True)
class Served:
    """A version in a store."""

    store: Path
    reference: str
    """As `NAME@VERSION`."""
    sizes: dict[str, int]
    """How many numbers each input of its graph has, by name."""
    scenarios: tuple[Scenario, ...]

    @property
    def graph(self) -> Path:
        """Its ONNX file, which every stack opens."""
        name, _, version = self.reference.partition("@")
        return self.store / name / "versions" / version / "generator.onnx"


def find_model(name: str) -> Served:
    """A bundled model by `NAME[@VERSION]`, or one that is made, by its side: published at the first call."""
    if name in SIDES:
        store, made = ENVIRONMENTS / "models", f"made{name}"
        if not (store / made).exists():
            _publish(store, made, make_graph(SIDES[name]))
        version = resolve_version(FolderStore(store), parse_reference(made))
        return Served(store, f"{made}@{version}", {"latent": LATENT}, _MADE_SCENARIOS[name])
    reference = parse_reference(name)
    version = resolve_version(FolderStore(BUNDLED), reference)
    manifest = FolderStore(BUNDLED).manifest(reference.model, version)
    sizes = {"latent": manifest.latent.size}
    if manifest.label is not None:
        sizes["label"] = len(manifest.label.classes)
    return Served(BUNDLED, f"{reference.model}@{version}", sizes, SCENARIOS[:3])


def _publish(store: Path, name: str, content: bytes) -> None:
    store.mkdir(parents=True, exist_ok=True)
    graph = store.parent / f"{name}.onnx"
    graph.write_bytes(content)
    command = [sys.executable, "-m", "ganymede", "import", str(graph), "--name", name]
    command += ["--models", str(store), "--layout", "nhwc", "--range", "0,255", "--promote", "production"]
    subprocess.run(command, check=True)

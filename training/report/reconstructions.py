"""What the report shows of a run's encoder: how near real pictures come in each way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.report.pictures import Grid, read_picture
from training.run.folder import Run, read_json

PREFIX = "reconstruction_"
WAYS: Mapping[str, str] = {
    "encoder": "the encoder alone",
    "refined": "refined, as a service does",
    "search": "a plain search from random latents",
    "mean": "the mean picture",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to find pictures, and its distances by the name of the space."""

    label: str
    distances: list[float]


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """What was measured of an encoder."""

    spaces: list[str]
    ways: list[Way]
    pictures: int
    measured_on: str
    steps: int
    search_steps: int
    grid: Grid
    """Real pictures, and below each what the encoder, the refinement and the search found."""


def read_reconstructed(run: Run) -> Reconstructed | None:
    """Return what was measured of the encoder of the exported checkpoint; None where there is none."""
    report, export = (_read(run, path) for path in ("projection.json", "export.json"))
    grid = read_picture(run.reconstructions_path)
    if grid is None or not report or report.get("checkpoint") != export.get("step"):
        return None
    projection: dict[str, Any] = report["projection"]
    figures: dict[str, float] = projection["figures"]
    spaces = [
        name.removeprefix(PREFIX).removesuffix("_encoder")
        for name in figures
        if name.startswith(PREFIX) and name.endswith("_encoder")
    ]
    ways = [
        Way(label, [figures[f"{PREFIX}{space}_{way}"] for space in spaces]) for way, label in WAYS.items()
    ]
    return Reconstructed(
        spaces,
        ways,
        int(figures["reconstruction_pictures"]),
        report["measured_on"],
        projection["steps"],
        int(figures["reconstruction_search_steps"]),
        grid,
    )


def _read(run: Run, name: str) -> dict[str, Any]:
    path = run.export_folder / name
    content: dict[str, Any] = read_json(path) if path.exists() else {}
    return content

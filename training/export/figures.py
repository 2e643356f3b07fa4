"""The figures that were measured of an exported run, and the bound on one of them."""

import shlex
from pathlib import Path
from typing import Any

from training.errors import CopiedError
from training.export.exporting import ExportReport
from training.metrics import COPIED, TRAINING, parse_figure
from training.run.folder import Run, read_json


def read_figures(run: Run, report: ExportReport) -> dict[str, float]:
    """Return what was measured of this very export; nothing if it was not evaluated."""
    figures: dict[str, float] = read_evaluation(run.figures_path, report.sha256).get("figures", {})
    return figures


def read_copies(run: Run, report: ExportReport) -> dict[str, Any]:
    """Return which drawings of this very export are nearest to training pictures; nothing if not known."""
    copies: dict[str, Any] = read_evaluation(run.figures_path, report.sha256).get("copies", {})
    return copies


def read_evaluation(path: Path, sha256: str) -> dict[str, Any]:
    """Return figures.json if it is of the graph with this digest, else nothing."""
    content: dict[str, Any] = read_json(path) if path.exists() else {}
    return content if content.get("sha256") == sha256 else {}


def require_few_copies(run: Run, report: ExportReport, most: float) -> None:
    """Raise CopiedError where a share above `most` of the drawings are copies, or nobody knows."""
    figures = read_figures(run, report)
    shares = {
        figure.name: value
        for figure, value in ((parse_figure(name), value) for name, value in figures.items())
        if figure and figure.metric == COPIED and figure.protocol.pairing == TRAINING
    }
    if not shares:
        raise CopiedError(
            f"Nobody has looked yet for copies of training pictures in this export: ganymede evaluate "
            f"{shlex.quote(str(run.folder))} does. Nothing was published."
        )
    worst = max(shares, key=lambda name: shares[name])
    if not shares[worst] <= most:  # nor where it is no number
        raise CopiedError(
            f"{shares[worst]:.1%} of the drawings are copies of training pictures ({worst}), and at most "
            f"{most:.1%} may be (--max-copied). {run.copies_path} shows them. More pictures, fewer epochs "
            "(ganymede export --checkpoint N) or more augmentation copy less. Nothing was published."
        )

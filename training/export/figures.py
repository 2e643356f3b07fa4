"""The figures that were measured of an exported run."""

import json

from training.export.exporting import ExportReport
from training.run.folder import Run


def read_figures(run: Run, report: ExportReport) -> dict[str, float]:
    """Return what was measured of this very export; nothing if it was not evaluated."""
    if not run.figures_path.exists():
        return {}
    content = json.loads(run.figures_path.read_text(encoding="utf-8-sig"))
    figures: dict[str, float] = content["figures"]
    return figures if content["sha256"] == report.sha256 else {}

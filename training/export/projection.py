"""What an export has of an encoder: two more graphs, and what they are for and were measured to do."""

import hashlib
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from foundation.images import hash_images
from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, Projection
from training.errors import ExportError
from training.export.exporting import ExportReport
from training.export.graph import run_graph
from training.run.paths import RunPaths
from training.run.samples import draw_inputs

IDENTIFYING_SEEDS = tuple(range(16))
RECONSTRUCTIONS = "reconstructions.png"
MAX_LATENT_DIFFERENCE = 1e-3
MAX_LABEL_DIFFERENCE = 1e-3
MAX_GRADIENT_DIFFERENCE = 1e-2
"""As a share of the largest: a rectifier's kink may be passed on the other side."""


class GraphComparison(BaseModel):
    """How far both graphs in ONNX Runtime are from Keras."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    max_latent_difference: float
    """Of the encoder's, in units of the latent."""
    max_label_difference: float = 0.0
    gradient_difference: float | None = None
    """The largest, as a share of the largest gradient; None of a graph that is exact, which no network of
    Keras's is, and of a release whose network is not here."""

    @property
    def passes(self) -> bool:
        """Whether the graphs may be published; false for NaN."""
        return (
            self.max_latent_difference <= MAX_LATENT_DIFFERENCE
            and self.max_label_difference <= MAX_LABEL_DIFFERENCE
            and (self.gradient_difference is None or self.gradient_difference <= MAX_GRADIENT_DIFFERENCE)
        )


class ProjectionReport(BaseModel):
    """What projection.json says of encoder.onnx and gradient.onnx."""

    model_config = ConfigDict(frozen=True)

    created_at: AwareDatetime
    drawn: str
    """What the generator is known by that they are for: `identify`."""
    checkpoint: int | None = None
    """The batch of the run whose export they are for; None of a release."""
    step: int
    """Batches that the encoder learnt."""
    projection: Projection
    comparison: GraphComparison
    sha256: dict[str, str] = Field(default_factory=dict)
    """Of the files, by their names."""
    measured_on: str = ""
    """Which pictures the figures are of: held-out ones, or else training pictures."""


def identify(graph: bytes, latent_size: int, classes: int) -> str:
    """Return what a generator is known by: SHA-256 of its pictures of the seeds 0 to 15.

    The file of the same weights is another each time it is written.
    """
    (pixels,) = run_graph(graph, *draw_inputs(IDENTIFYING_SEEDS, latent_size, classes))
    return hash_images(pixels)


def find_projection(run: RunPaths) -> ProjectionReport | None:
    """Return what lies beside an exported generator, for whatever generator it is; None where nothing does.

    Raises:
        ExportError: what lies there is damaged.
    """
    try:
        text = run.projection_path.read_text(encoding="utf-8-sig")
        return ProjectionReport.model_validate_json(text)
    except FileNotFoundError:
        return None
    except ValueError as error:  # no figures of the kind, or no UTF-8
        raise ExportError(
            f"{run.projection_path} is damaged. Run ganymede encoder {run.folder} again."
        ) from error


def read_projection(run: RunPaths, export: ExportReport, graph: bytes) -> ProjectionReport | None:
    """Return what belongs to the exported generator `graph`; None where it has no encoder.

    Raises:
        ExportError: it is damaged, was altered since, or is for other drawings than these.
    """
    report = find_projection(run)
    if report is None:
        return None
    again = f"Run ganymede encoder {run.folder} again, or publish with --no-encoder."
    if report.drawn != identify(graph, export.latent_size, len(export.class_names)):
        raise ExportError(
            f"{run.encoder_graph_path} was made for another export: this generator draws other pictures. "
            f"{again}"
        )
    for path in (run.encoder_graph_path, run.gradient_graph_path):
        if not path.exists() or digest(path) != report.sha256.get(path.name):
            raise ExportError(f"{path} is missing, or not the graph that was compared with Keras. {again}")
    return report


def list_files(run: RunPaths) -> dict[str, Path]:
    """Return the files of a release that are an encoder's, by their names."""
    files = {ENCODER_GRAPH: run.encoder_graph_path, GRADIENT_GRAPH: run.gradient_graph_path}
    if run.reconstructions_path.exists():
        files[RECONSTRUCTIONS] = run.reconstructions_path
    return files


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""The generator that an encoder learns for: its graph as it is served, and what is known of it."""

from dataclasses import dataclass
from typing import Literal

from foundation.manifest import Arithmetic, Manifest
from training.export.exporting import ExportReport
from training.export.projection import identify
from training.shape import PictureShape

Distribution = Literal["normal", "uniform"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A generator, from wherever."""

    name: str
    """A run's folder, or `NAME@VERSION`."""
    graph: bytes
    latent_size: int
    class_names: tuple[str, ...]
    """Of the label; none for a generator without one."""
    shape: PictureShape
    arithmetic: Arithmetic = "float"
    distribution: Distribution = "normal"

    @property
    def drawn(self) -> str:
        """What it is known by, however its file is written."""
        return identify(self.graph, self.latent_size, len(self.class_names))


def read_exported(name: str, report: ExportReport, graph: bytes) -> Subject:
    """Return the generator of a run as it was exported."""
    shape = PictureShape(height=report.height, width=report.width, channels=report.channels)
    return Subject(name, graph, report.latent_size, report.class_names, shape, report.arithmetic)


def read_released(manifest: Manifest, graph: bytes) -> Subject:
    """Return the generator of a release.

    Raises:
        pydantic.ValidationError: its pictures are of a size that nothing is trained on.
    """
    image = manifest.image
    return Subject(
        manifest.reference,
        graph,
        manifest.latent.size,
        manifest.label.classes if manifest.label else (),
        PictureShape(height=image.height, width=image.width, channels=image.channels),
        manifest.arithmetic,
        manifest.latent.distribution,
    )

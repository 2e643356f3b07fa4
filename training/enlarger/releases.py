"""An enlarger behind a release's generator: its next version draws the same pictures twice as large."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from rich.console import Console

from foundation.golden import GOLDEN_IMAGES, record_golden
from foundation.graphs.content import check_graph
from foundation.manifest import REFERENCE_GRAPH, ImageOutput, Manifest, created_now
from foundation.store import Store, describe_files
from training.enlarger.enlarging import Enlarged, Subject, teach_enlarger
from training.enlarger.joining import check_generator
from training.enlarger.pairs import double, load_pairs
from training.enlarger.settings import EnlargerSettings
from training.export.drawings import GOLDEN_SEEDS, SAMPLES, draw_golden, draw_samples
from training.export.graph import OPSET
from training.export.projection import identify
from training.run.paths import RunPaths

MAX_GRAPH_BYTES = 2**30
SHEET = "enlarged.png"
KEPT = frozenset({"metrics.json", "directions.npz"})
"""What stays true of larger pictures: the curves of the training, and the ways in latent space."""
ENLARGERS = "enlargers"


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from, and what they get."""

    data: str | None
    """The name of a set; None for that which the release says it was trained on."""
    folder: Path | None = None
    channels: int | None = None
    """4 gives pictures in colour a transparent ground."""


def enlarge_release(
    store: Store,
    manifest: Manifest,
    run: RunPaths,
    settings: EnlargerSettings,
    source: Source,
    console: Console,
) -> Enlarged | None:
    """Teach an enlarger for a release in the folder of `run`; None where it was stopped, and goes on later.

    Raises:
        ConfigurationError: nobody says which pictures it was trained on, or they would be of no known size.
        ReleaseRefused: its graph holds what no graph may.
        ExportError: no enlarger can be joined to it.
        TrainingProblem: as `teach_enlarger`.
    """
    large = double(manifest.image, source.channels)
    content = store.read(manifest, REFERENCE_GRAPH, max_bytes=MAX_GRAPH_BYTES)
    check_graph(content, manifest.reference, REFERENCE_GRAPH)
    classes = len(manifest.label.classes) if manifest.label else 0
    graph, exact = onnx.load_model_from_string(content), manifest.arithmetic == "exact"
    check_generator(graph, manifest.image, OPSET, exact=exact)
    drawn = identify(content, manifest.latent.size, classes)
    said = f"The enlarger of {manifest.reference} learns in {run.folder}: {large.width}x{large.height}"
    console.print(said, highlight=False, soft_wrap=True, markup=False)
    pairs = load_pairs(manifest, graph, large, source.data, source.folder, console)
    subject = Subject(manifest.reference, drawn, graph, exact=exact)
    return teach_enlarger(run, subject, pairs, large, settings, console)


def write_release(
    store: Store, manifest: Manifest, enlarged: Enlarged, version: str, folder: Path
) -> tuple[Manifest, dict[str, Path]]:
    """Write the files of a release with an enlarger into `folder`; return its manifest, and where they are.

    What is known of the small pictures alone, as figures and an encoder, is left behind.
    """
    graph = enlarged.graph.SerializeToString()
    files = {path: folder / path for path in (REFERENCE_GRAPH, GOLDEN_IMAGES, SAMPLES, SHEET)}
    files[REFERENCE_GRAPH].write_bytes(graph)
    golden = draw_golden(graph, manifest.latent, manifest.label)
    np.save(files[GOLDEN_IMAGES], golden, allow_pickle=False)
    draw_samples(graph, manifest.latent, manifest.label).save(files[SAMPLES])
    enlarged.sheet.save(files[SHEET])
    for entry in (entry for entry in manifest.files if entry.path in KEPT):
        files[entry.path] = folder / entry.path
        store.fetch(manifest, entry.path, files[entry.path])
    _, height, width, channels = golden.shape
    before = manifest.training.get(ENLARGERS)  # of another's release it may be anything
    reports = [*(before if isinstance(before, list) else []), enlarged.report.model_dump(mode="json")]
    published = manifest.model_copy(
        update={
            "version": version,
            "created_at": created_now(),
            "image": ImageOutput(height=height, width=width, channels=channels),
            "files": describe_files(files),
            "golden": record_golden(golden, GOLDEN_SEEDS, manifest.latent.scheme),
            "training": {**manifest.training, ENLARGERS: reports},
            "metrics": dict(enlarged.report.figures),
            "projection": None,
        }
    )
    return Manifest.model_validate(published.model_dump()), files

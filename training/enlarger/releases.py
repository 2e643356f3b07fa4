"""An enlarger behind a release's generator: its next version draws the same pictures twice as large."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from foundation.graphs.content import check_graph
from foundation.images import hash_images
from foundation.labels import weigh_classes
from foundation.latents import draw_classes, draw_latents
from foundation.manifest import REFERENCE_GRAPH, GoldenCheck, ImageOutput, Manifest, created_now
from foundation.processor import recorded_here
from foundation.store import Store, describe_file
from training.enlarger.enlarging import Enlarged, Subject, teach_enlarger
from training.enlarger.joining import check_generator
from training.enlarger.pairs import double, load_pairs
from training.enlarger.settings import EnlargerSettings
from training.export.graph import OPSET, run_graph
from training.export.projection import identify
from training.export.publication import GOLDEN_IMAGES, GOLDEN_SEEDS, GRID, GRID_COLUMNS, GRID_SEEDS
from training.run.paths import RunPaths
from training.run.samples import CLASS_COLUMNS, tile
from training.shape import MAX_CLASS_ROWS

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
    files = {path: folder / path for path in (REFERENCE_GRAPH, GOLDEN_IMAGES, GRID, SHEET)}
    files[REFERENCE_GRAPH].write_bytes(graph)
    golden = draw_seeds(graph, manifest, GOLDEN_SEEDS)
    np.save(files[GOLDEN_IMAGES], golden, allow_pickle=False)
    lay_samples(graph, manifest).save(files[GRID])
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
            "files": tuple(
                describe_file(path, device="any", precision="float32")
                if name == REFERENCE_GRAPH
                else describe_file(path)
                for name, path in files.items()
            ),
            "golden": GoldenCheck(
                seeds=GOLDEN_SEEDS,
                scheme=manifest.latent.scheme,
                sha256=hash_images(golden),
                images=GOLDEN_IMAGES,
                recorded_on=recorded_here(),
            ),
            "training": {**manifest.training, ENLARGERS: reports},
            "metrics": dict(enlarged.report.figures),
            "projection": None,
        }
    )
    return Manifest.model_validate(published.model_dump()), files


def draw_seeds(graph: bytes, manifest: Manifest, seeds: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return what a graph answers for seeds, each of the class it stands for: uint8 (n, h, w, c)."""
    classes = len(manifest.label.classes) if manifest.label else 0
    labels = weigh_classes(draw_classes(seeds, classes), classes) if classes else None
    return draw(graph, draw_for(manifest, seeds), labels)


def lay_samples(graph: bytes, manifest: Manifest) -> Image.Image:
    """Return a picture of the seeds 0 to 63, or a row of ten seeds for each class."""
    classes = len(manifest.label.classes) if manifest.label else 0
    if not classes:
        return tile(draw_seeds(graph, manifest, GRID_SEEDS), GRID_COLUMNS)
    shown = min(classes, MAX_CLASS_ROWS)
    labels = np.eye(classes, dtype=np.float32)[np.repeat(np.arange(shown), CLASS_COLUMNS)]
    latents = draw_for(manifest, range(shown * CLASS_COLUMNS))
    return tile(draw(graph, latents, labels), CLASS_COLUMNS)


def draw_for(manifest: Manifest, seeds: Sequence[int]) -> NDArray[np.float32]:
    """Return the latents float32 (n, Z) that seeds stand for."""
    latent = manifest.latent
    return draw_latents(seeds, latent.size, distribution=latent.distribution, scheme=latent.scheme)


def draw(graph: bytes, latents: NDArray[np.float32], labels: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """Return what a graph answers for latents (n, Z) and labels (n, classes): uint8 (n, h, w, c)."""
    (pixels,) = run_graph(graph, latents, labels)
    return np.ascontiguousarray(pixels, np.uint8)

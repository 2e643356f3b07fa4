"""The publication of an exported run: its files, its manifest and its golden check, into a model store."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from foundation.golden import GOLDEN_IMAGES, record_golden
from foundation.grid.proof import NotExact, prove_exact
from foundation.manifest import (
    REFERENCE_GRAPH,
    ImageOutput,
    LabelInput,
    LatentInput,
    Manifest,
    created_now,
)
from foundation.names import require_name
from foundation.store import Store, describe_files
from training.errors import ExportError
from training.export.drawings import GOLDEN_SEEDS, SAMPLES, draw_golden, draw_samples
from training.export.exporting import ExportReport, read_export
from training.export.figures import read_copies, read_figures, require_few_copies
from training.export.origins import WEIGHTS
from training.export.projection import ProjectionReport, list_files, read_projection
from training.run.folder import Run, read_json

SAMPLES_SCALE = 2
METRICS = "metrics.json"


def publish_run(
    run_folder: Path,
    store: Store,
    *,
    name: str,
    version: str,
    licence: str,
    sign: Callable[[Manifest], bytes | None] = lambda _: None,
    weights: bool = True,
    encoder: bool = True,
    max_copied: float | None = None,
) -> Manifest:
    """Publish RUN/export as `name`@`version`, signed by `sign` if it gives a signature; its manifest.

    With `weights`, a run that is exported with them gives them along, for others to begin from; with
    `encoder`, one that has an encoder gives it along, for pictures to be found.
    More than `max_copied`, in [0, 1], of the drawings may not be copies of training pictures.

    Raises:
        WrongName: a model or a version cannot have such a name.
        RunError: there is no such run.
        ExportError: the run is not exported, or a graph is not the one that was compared with Keras, or the
            encoder is for other drawings.
        CopiedError: too many drawings are copies, or nobody has looked for any.
        AlreadyPublished: the store has that version; nothing was changed.
    """
    require_name(name, "a model's name")
    require_name(version, "a version's name")
    run = Run(run_folder)
    report = read_export(run)
    if max_copied is not None:
        require_few_copies(run, report, max_copied)
    graph = run.graph_path.read_bytes()
    if report.arithmetic == "exact":
        check_exact(graph)
    projection = read_projection(run, report, graph) if encoder else None
    latent, label = describe_inputs(report)
    golden = draw_golden(graph, latent, label)  # (16, H, W, C)
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), run, report, graph, golden)
        draw_samples(graph, latent, label, SAMPLES_SCALE).save(files[SAMPLES])
        if weights and run.weights_path.exists():
            files[WEIGHTS] = run.weights_path
        if projection:
            files |= list_files(run)
        manifest = describe_release(run, report, golden, files, name, version, licence, projection)
        store.publish(manifest, files, signature=sign(manifest))
    with suppress(OSError):  # of a run that is only read; what was published is
        note_publication(run, manifest, store.location)
    return manifest


def check_exact(graph: bytes) -> None:
    """Prove once more what the manifest is about to say.

    Raises:
        ExportError: the graph is not proven to be exact.
    """
    try:
        prove_exact(onnx.load_model_from_string(graph))
    except NotExact as error:
        raise ExportError(
            f"The graph is not exact, as its export says: {error} Export the run again."
        ) from error


def note_publication(run: Run, manifest: Manifest, location: str) -> None:
    """Add a line to RUN/publications.jsonl."""
    line = {
        "name": manifest.name,
        "version": manifest.version,
        "created_at": manifest.created_at.isoformat(),
        "store": location,
        "epochs": manifest.training["epochs"],
    }
    with run.publications_path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def write_files(
    folder: Path, run: Run, report: ExportReport, graph: bytes, golden: NDArray[np.uint8]
) -> dict[str, Path]:
    """Write the release's files, but the samples, into `folder`; return where each belongs, by its name."""
    files = {path: folder / path for path in (REFERENCE_GRAPH, GOLDEN_IMAGES, SAMPLES, METRICS)}
    files[REFERENCE_GRAPH].write_bytes(graph)
    np.save(files[GOLDEN_IMAGES], golden, allow_pickle=False)
    epochs = [row.model_dump() for row in run.read_stats() if row.step <= report.step]
    content = {"epochs": epochs, "export": report.model_dump(mode="json")}
    files[METRICS].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return files


def describe_release(
    run: Run,
    report: ExportReport,
    golden: NDArray[np.uint8],
    files: dict[str, Path],
    name: str,
    version: str,
    licence: str,
    projection: ProjectionReport | None = None,
) -> Manifest:
    """Assemble the manifest; the golden check is what the graph answers for seeds 0 to 15."""
    latent, label = describe_inputs(report)
    return Manifest(
        name=name,
        version=version,
        created_at=created_now(),
        licence=licence,
        latent=latent,
        label=label,
        image=ImageOutput(height=report.height, width=report.width, channels=report.channels),
        files=describe_files(files),
        golden=record_golden(golden, GOLDEN_SEEDS, latent.scheme),
        arithmetic=report.arithmetic,
        training=describe_training(run, report),
        projection=projection.projection if projection else None,
        metrics={
            "keras_max_float_difference": report.comparison.max_float_difference,
            "keras_pixels_differing": report.comparison.pixels_differing,
            **read_figures(run, report),
        },
    )


def describe_inputs(report: ExportReport) -> tuple[LatentInput, LabelInput | None]:
    """Return what the exported graph reads."""
    label = LabelInput(classes=report.class_names) if report.class_names else None
    return LatentInput(size=report.latent_size), label


def describe_training(run: Run, report: ExportReport) -> dict[str, Any]:
    """Return the release's provenance: configuration, how far it was trained, what chose it, versions."""
    copies = read_copies(run, report)
    return {
        "configuration": run.read_configuration().model_dump(mode="json"),
        "epochs": report.epochs,
        "step": report.step,
        "best": report.best.model_dump() if report.best else None,
        "versions": report.versions,
        **({"copies": copies} if copies else {}),
        **({"grid": report.price.model_dump()} if report.price else {}),
        **({"from": read_origin(run)} if run.origin_path.exists() else {}),
    }


def read_origin(run: Run) -> str:
    """Return from which model or run it began."""
    return str(read_json(run.origin_path)["origin"])

"""The figures of an exported run: its pictures against pictures that nobody trained on."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import load_pictures
from training.errors import EvaluationError
from training.evaluation.distances import frechet_distance, kernel_distance, precision_recall
from training.evaluation.features import FeatureNetwork
from training.evaluation.judge import MIN_IMAGES, count_name, require_features
from training.export.exporting import ExportReport, read_export
from training.export.graph import run_graph
from training.run.folder import Run, replace_text
from training.run.samples import DrawClasses, DrawLatents, draw_seeds

EVALUATED_IMAGES = 10_000
BATCH_IMAGES = 500
REAL_SEED = 0


def evaluate_run(
    run_folder: Path,
    *,
    features: Path | None,
    data_folder: Path | None,
    draw_latents: DrawLatents,
    draw_classes: DrawClasses,
) -> dict[str, float]:
    """Measure RUN/export/generator.onnx, write RUN/export/figures.json and return it.

    The reference is the test split. `fd`, `kd`, `precision` and `recall` are of as many generated
    pictures, of the seeds from 0 on; those ending in `_real` are of as many training pictures, and are
    what a perfect generator would get. Each name holds the feature network's and the number of pictures.

    Raises:
        ExportError: the run is not exported.
        EvaluationError: no feature network is known for these pictures, or it cannot be run, or there are
            too few pictures.
    """
    run = Run(run_folder)
    report, configuration = read_export(run), run.read_configuration()
    data = configuration.data
    network = FeatureNetwork(require_features(data, features or configuration.features))
    reference = load_pictures(data, data_folder, "test", configuration).images[:EVALUATED_IMAGES]
    training = load_pictures(data, data_folder, "train", configuration).images
    count = min(len(reference), len(training))
    if count < MIN_IMAGES:
        raise EvaluationError(f"'{data}' has {count} pictures to compare with, not {MIN_IMAGES}.")
    order = np.random.Generator(np.random.Philox(REAL_SEED)).permutation(len(training))
    expected = network.extract(reference[:count])
    figures: dict[str, float] = {}
    generated = draw_pictures(run.graph_path.read_bytes(), report, count, draw_latents, draw_classes)
    for ending, images in (("", generated), ("_real", training[order[:count]])):
        measured = network.extract(images)
        precision, recall = precision_recall(expected, measured)
        values = {
            "fd": frechet_distance(expected, measured),
            "kd": kernel_distance(expected, measured),
            "precision": precision,
            "recall": recall,
        }
        space = f"{network.name}_{count_name(count)}{ending}"
        figures |= {f"{name}_{space}": round(value, 6) for name, value in values.items()}
    replace_text(run.figures_path, json.dumps({"sha256": report.sha256, "figures": figures}, indent=1) + "\n")
    return figures


def draw_pictures(
    graph: bytes, report: ExportReport, count: int, draw_latents: DrawLatents, draw_classes: DrawClasses
) -> NDArray[np.uint8]:
    """Draw the seeds from 0 to `count`, each of the class it stands for: uint8 (count, h, w, c)."""
    batches, classes = [], len(report.class_names)
    for first in range(0, count, BATCH_IMAGES):
        seeds = range(first, min(first + BATCH_IMAGES, count))
        latents, labels = draw_seeds(seeds, report.latent_size, classes, draw_latents, draw_classes)
        (pixels,) = run_graph(graph, latents, labels)
        batches.append(np.asarray(pixels, np.uint8))
    return np.concatenate(batches)

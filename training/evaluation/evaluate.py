"""The figures of an exported run: its pictures against pictures that nobody trained on."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import load_pictures
from training.errors import EvaluationError
from training.evaluation.features import FeatureNetwork
from training.evaluation.gauge import MIN_IMAGES, require_features
from training.export.exporting import ExportReport, read_export
from training.export.graph import run_graph
from training.metrics import GENERATED, METRICS, REAL, Figure, Protocol
from training.run.folder import Run, replace_text
from training.run.samples import draw_inputs

EVALUATED_IMAGES = 10_000
BATCH_IMAGES = 500
REAL_SEED = 0


def evaluate_run(run_folder: Path, *, features: Path | None, data_folder: Path | None) -> dict[str, float]:
    """Measure RUN/export/generator.onnx, write RUN/export/figures.json and return it.

    Every metric is measured of as many generated pictures as the test split has, of the seeds from 0 on, and
    of as many training pictures; `training.metrics.figures` says how each figure is called.

    Raises:
        ExportError: the run is not exported.
        EvaluationError: no feature network is known for these pictures, or it cannot be run, or there are
            too few pictures.
    """
    run = Run(run_folder)
    report, configuration = read_export(run), run.read_configuration()
    data = configuration.data
    network = FeatureNetwork(require_features(data, features or configuration.features))
    settings = run.keep_colour(configuration)
    reference = load_pictures(data, data_folder, "test", settings).images[:EVALUATED_IMAGES]
    training = load_pictures(data, data_folder, "train", settings).images
    count = min(len(reference), len(training))
    if count < MIN_IMAGES:
        raise EvaluationError(f"'{data}' has {count} pictures to compare with, not {MIN_IMAGES}.")
    order = np.random.Generator(np.random.Philox(REAL_SEED)).permutation(len(training))
    expected = network.extract(reference[:count])
    figures: dict[str, float] = {}
    generated = draw_pictures(run.graph_path.read_bytes(), report, count)
    for pairing, images in ((GENERATED, generated), (REAL, training[order[:count]])):
        measured = network.extract(images)
        protocol = Protocol(network.name, count, pairing)
        for figure in (Figure(metric, protocol) for metric in METRICS.values()):
            figures[figure.name] = figure.measure(expected, measured)
    replace_text(run.figures_path, json.dumps({"sha256": report.sha256, "figures": figures}, indent=1) + "\n")
    return figures


def draw_pictures(graph: bytes, report: ExportReport, count: int) -> NDArray[np.uint8]:
    """Draw the seeds from 0 to `count`, each of the class it stands for: uint8 (count, h, w, c)."""
    batches, classes = [], len(report.class_names)
    for first in range(0, count, BATCH_IMAGES):
        seeds = range(first, min(first + BATCH_IMAGES, count))
        (pixels,) = run_graph(graph, *draw_inputs(seeds, report.latent_size, classes))
        batches.append(np.asarray(pixels, np.uint8))
    return np.concatenate(batches)

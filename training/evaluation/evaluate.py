"""The figures of an exported run: its pictures against pictures that nobody trained on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import Configuration
from training.data import Split, load_pictures
from training.errors import EvaluationError
from training.evaluation.copying import DRAWN_IMAGES, Tell, find_copies, hold_out, write_pairs
from training.evaluation.features import FeatureNetwork
from training.evaluation.few import explain_few
from training.evaluation.pixel_space import PixelSpace
from training.evaluation.spaces import find_space, general_space, own_space
from training.export.exporting import ExportReport, read_export
from training.export.graph import run_graph
from training.metrics import DISTANCES, GENERATED, REAL, Figure, Protocol
from training.run.folder import Run, replace_text
from training.run.samples import draw_inputs

EVALUATED_IMAGES = 10_000
GENERAL_IMAGES = 5000
"""By EfficientNet-lite0: as many again would take minutes and tell little more."""
BATCH_IMAGES = 500
REAL_SEED = 0
SPLITS: tuple[Split, Split] = ("train", "test")

Images = NDArray[np.uint8]


def evaluate_run(
    run_folder: Path,
    *,
    features: Path | None,
    data_folder: Path | None,
    tell: Tell = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, float]:
    """Measure RUN/export/generator.onnx, write RUN/export/figures.json and return its figures.

    Every metric is measured of as many generated pictures as the test split has, of the seeds from 0 on, and
    of as many training pictures; `training.metrics.figures` says how each figure is called. Pictures with a
    feature network of their own are measured by EfficientNet-lite0 too. The drawings are then looked for
    among the training pictures: the most copied ones go into RUN/export/copies.png. `tell` is told how far it
    is, and `say` what is left out.

    Raises:
        ExportError: the run is not exported.
        EvaluationError: there is no feature network for these pictures, or it cannot be run, or there are
            too few pictures.
    """
    run = Run(run_folder)
    report, configuration = read_export(run), run.read_configuration()
    settings = run.keep_colour(configuration)
    tell("reading the pictures", 0, 0)
    trained, others = (load_pictures(settings.data, data_folder, part, settings) for part in SPLITS)
    if few := explain_few(settings, trained, others):
        raise EvaluationError(few)
    training, reference = trained.images, others.images[:EVALUATED_IMAGES]
    count = min(len(reference), len(training))
    tell("opening the feature networks", 0, 0)
    networks = choose_networks(configuration, features, max(training.shape[1:3]), say)
    order = np.random.Generator(np.random.Philox(REAL_SEED)).permutation(len(training))
    drawn = max(min(count, max(images for _, images in networks)), DRAWN_IMAGES)
    generated = draw_pictures(run.graph_path.read_bytes(), report, drawn, tell)
    figures: dict[str, float] = {}
    for path, images in networks:
        network, count = FeatureNetwork(path), min(count, images)
        expected = extract(network, reference[:count], "test pictures", tell)
        for pairing, name, sample in (
            (GENERATED, "drawings", generated[:count]),
            (REAL, "training pictures", training[np.sort(order[:count])]),
        ):
            measured = extract(network, sample, name, tell)
            protocol = Protocol(network.name, count, pairing)
            for figure in (Figure(metric, protocol) for metric in DISTANCES):
                figures[figure.name] = figure.measure(expected, measured)
    held_out = hold_out(training, reference)
    copies = find_copies([network, PixelSpace()], generated[:DRAWN_IMAGES], training, held_out, tell)
    figures |= copies.figures
    write_pairs(run.copies_path, generated, training, copies.pairs)
    content = {"sha256": report.sha256, "figures": figures, "copies": copies.describe()}
    replace_text(run.figures_path, json.dumps(content, indent=1) + "\n")
    return figures


def choose_networks(
    configuration: Configuration, features: Path | None, side: int, say: Callable[[str], None]
) -> list[tuple[Path, int]]:
    """Return what pictures of `side` pixels are measured by, and how many pictures each gets at most.

    Raises:
        EvaluationError: there is none: they have no network of their own, and no other is installed.
    """
    named = features or configuration.features
    if named:
        return [(find_space(configuration.data, named, side), EVALUATED_IMAGES)]
    own = own_space(configuration.data)
    networks = [(own, EVALUATED_IMAGES)] if own else []
    try:
        return [*networks, (general_space(side), GENERAL_IMAGES)]
    except EvaluationError as error:
        if not networks:
            raise
        say(f"These pictures are measured by their own network alone. {error}")
        return networks


def extract(network: FeatureNetwork, images: Images, name: str, tell: Tell) -> NDArray[np.float64]:
    """Return the features of pictures (n, d), and tell how far it is."""
    parts = []
    for first in range(0, len(images), BATCH_IMAGES):
        tell(f"{network.name}: {name}", first, len(images))
        parts.append(network.extract(images[first : first + BATCH_IMAGES]))
        tell(f"{network.name}: {name}", min(first + BATCH_IMAGES, len(images)), len(images))
    return np.concatenate(parts)


def draw_pictures(graph: bytes, report: ExportReport, count: int, tell: Tell) -> NDArray[np.uint8]:
    """Draw the seeds from 0 to `count`, each of the class it stands for: uint8 (count, h, w, c)."""
    drawn = np.empty((count, report.height, report.width, report.channels), np.uint8)
    for first in range(0, count, BATCH_IMAGES):
        seeds = range(first, min(first + BATCH_IMAGES, count))
        inputs = draw_inputs(seeds, report.latent_size, len(report.class_names))
        tell("drawing", first, count)
        (drawn[first : first + BATCH_IMAGES],) = run_graph(graph, *inputs)
    tell("drawing", count, count)
    return drawn

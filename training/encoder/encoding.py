"""The whole of `ganymede encoder`: an encoder learns, is exported, compared, measured and shown."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, LBFGS, Projection
from training.activity import doing
from training.data import Pictures
from training.encoder.graphs import Encoding, compare_graphs, convert_encoder
from training.encoder.learner import Learner
from training.encoder.measuring import Reconstructions, choose_rate, measure_reconstructions
from training.encoder.sessions import Drawing, Floats, Images
from training.encoder.settings import CHANGEABLE, EncoderSettings, choose_settings
from training.encoder.subject import Subject
from training.encoder.supply import Supply, match_classes, scale
from training.errors import EvaluationError
from training.evaluation.features import FeatureNetwork
from training.evaluation.spaces import general_space
from training.export.projection import ProjectionReport
from training.run.claim import claim_run
from training.run.course import Course, begin_folder
from training.run.folder import replace_text
from training.run.paths import RunPaths
from training.run.teaching import Teaching

COMPARED_PICTURES = 16
MEAN_PICTURES = 10_000
SEED = 0
HELD_OUT, TRAINING = "pictures that nothing was trained on", "training pictures"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an encoder learns from and is measured by."""

    subject: Subject
    training: Pictures
    held_out: Pictures | None
    generator: Callable[[], keras.Model] | None = None
    """The subject as a network of Keras's, where it is at hand."""
    features: Path | None = None
    """The feature network to measure by; EfficientNet-lite0 unless given."""
    checkpoint: int | None = None
    """The batch of the run that was exported; None of a release."""


def teach_encoder(
    run: RunPaths, lesson: Lesson, settings: EncoderSettings, console: Console
) -> ProjectionReport | None:
    """Teach an encoder in a folder, and write RUN/export's graphs, projection.json and reconstructions.png.

    It goes on from where it was; an encoder that has learnt all its batches is exported and measured anew.
    Returns None where it was stopped before.

    Raises:
        RunError: another process works in the folder, or it holds an encoder of other settings, or for
            other drawings; or it cannot be written.
        DataError: the pictures are not of the shape that the generator draws.
        ExportError: the generator has no gradient, or the graphs are not what Keras computes.
        DivergenceError: a weight is no number any more.
    """
    subject, training = lesson.subject, lesson.training
    settings = choose_settings(settings, subject.shape.size)
    match_classes(subject, training)  # refuses other shapes before anything is written
    drawing, drawn = Drawing(subject, settings.prior), subject.drawn
    run.folder.mkdir(parents=True, exist_ok=True)
    with claim_run(run):
        with doing(console, "Building the encoder"):
            learner = Learner(settings, drawing)
            teaching = begin_teaching(run, learner, Supply(settings, drawing, training), console)
        if not teaching.go_on():
            return None
        with doing(console, "Turning the encoder into ONNX, and holding it against Keras"):
            encoding = Encoding(convert_encoder(learner, subject))
            rows = choose_rows(len(training.images), MEAN_PICTURES)
            some = training.images[rows]
            generator = lesson.generator() if lesson.generator else None
            compared = scale(some[:COMPARED_PICTURES])
            comparison = compare_graphs(learner, encoding, drawing, compared, generator)
            rate = choose_rate(drawing, encoding, some, settings)
        found, measured_on = measure(lesson, drawing, encoding, average(some), settings, rate, teaching.say)
        projection = Projection(
            steps=settings.refining_steps,
            optimizer=LBFGS,
            rate=rate,
            prior=settings.prior,
            figures=dict(found.figures),
        )
        graphs = {ENCODER_GRAPH: encoding.graph, GRADIENT_GRAPH: drawing.gradient}
        report = ProjectionReport(
            created_at=datetime.now(UTC).replace(microsecond=0),
            drawn=drawn,
            checkpoint=lesson.checkpoint,
            step=teaching.step,
            projection=projection,
            comparison=comparison,
            sha256={name: hashlib.sha256(graph).hexdigest() for name, graph in graphs.items()},
            measured_on=measured_on,
        )
        run.export_folder.mkdir(exist_ok=True)
        for name, graph in graphs.items():
            (run.export_folder / name).write_bytes(graph)
        found.lay_sheet(subject.shape.size).save(run.reconstructions_path)
        replace_text(run.projection_path, report.model_dump_json(indent=2) + "\n")
    return report


def begin_teaching(run: RunPaths, learner: Learner, supply: Supply, console: Console) -> Teaching:
    """Return the training of an encoder in its folder, which says from now on what learns there.

    Raises:
        RunError: the folder holds one with other settings, for another generator or from other pictures,
            or a damaged state.
    """
    settings, subject = supply.settings, supply.drawing.subject
    course = Course("encoder", run.encoder_folder, settings.steps, settings.learning_rate)
    begin_folder(course, settings, subject.drawn, supply.pictures, CHANGEABLE)

    def learn(step: int) -> Floats:
        batch = supply.take(step)
        losses: Floats = learner.learn(batch.pictures, batch.latents, batch.labels, batch.known).numpy()
        return losses

    def describe(losses: Floats) -> str:
        pixels, latents, labels = losses
        said = f"pixels {pixels:.4f}  latents {latents:.3f}"
        return said + (f"  labels {labels:.3f}" if subject.class_names else "")

    return Teaching(course, learner, learn, describe, console)


def measure(
    lesson: Lesson,
    drawing: Drawing,
    encoding: Encoding,
    mean: Floats,
    settings: EncoderSettings,
    rate: float,
    say: Callable[[str], None],
) -> tuple[Reconstructions, str]:
    """Return what becomes of held-out pictures, or else of training pictures, and which of them it was."""
    pictures = lesson.held_out or lesson.training
    if pictures.images.shape[1:] != lesson.training.images.shape[1:]:
        pictures = lesson.training
    rows = choose_rows(len(pictures.images), settings.pictures)
    classes = match_classes(lesson.subject, pictures)[rows]
    space = find_features(lesson, say)
    found = measure_reconstructions(
        drawing, encoding, pictures.images[rows], classes, mean, settings, rate, space, say
    )
    return found, TRAINING if pictures is lesson.training else HELD_OUT


def find_features(lesson: Lesson, say: Callable[[str], None]) -> FeatureNetwork | None:
    """Return the feature network to measure by; None where none is installed, which is said."""
    try:
        return FeatureNetwork(lesson.features or general_space(lesson.subject.shape.size))
    except EvaluationError as error:
        if lesson.features:
            raise
        say(f"Pictures are compared by their pixels alone. {error}")
        return None


def choose_rows(count: int, most: int) -> list[int]:
    """Return the rows of some of `count` pictures, by lot and always the same, in order."""
    order = np.random.Generator(np.random.Philox(SEED)).permutation(count)[:most]
    return sorted(int(row) for row in order)


def average(images: Images) -> Floats:
    """Return the mean picture float32 (h, w, c) in [-1, 1] of uint8 (n, h, w, c)."""
    total = sum(scale(images[first : first + 500]).sum(0, np.float64) for first in range(0, len(images), 500))
    mean: Floats = (np.asarray(total) / len(images)).astype(np.float32)
    return mean

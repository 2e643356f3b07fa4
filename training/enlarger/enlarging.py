"""The whole of `ganymede enlarge`: an enlarger learns, is exported, compared, measured and joined."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import onnx
from PIL import Image
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from foundation.grid.price import Price
from foundation.manifest import ImageOutput
from training.activity import Turn, doing
from training.enlarger.graphs import Images, compare_with_keras, convert_enlarger, place_enlarger
from training.enlarger.joining import check_exact, join
from training.enlarger.learner import Learner
from training.enlarger.measuring import lay_sheet, measure
from training.enlarger.pairs import Pairs
from training.enlarger.settings import CHANGEABLE, EnlargerSettings, choose_settings
from training.export.comparison import Comparison
from training.export.graph import keep_pixels
from training.networks.precision import choose_precision
from training.run.claim import claim_run
from training.run.course import Course, begin_folder
from training.run.paths import RunPaths
from training.run.teaching import Floats, Teaching

NO_WORSE = 0.98
"""An enlarger that leaves more than this share of interpolation's difference has learnt nothing."""
MOST_LACKING = 1.25
"""Above so much of interpolation's difference it has not even learnt to interpolate."""


class EnlargerReport(BaseModel):
    """What a release says of the enlarger in its graph."""

    model_config = ConfigDict(frozen=True)

    origin: str
    """The release that was enlarged."""
    data: str
    pictures: int
    settings: EnlargerSettings
    comparison: Comparison
    figures: Mapping[str, float]
    """`enlarged_pixels` and `interpolated_pixels`, see `training.enlarger.measuring`."""
    price: Price | None = None
    """What the grid costs, of an enlarger that is exact."""


@dataclass(frozen=True, slots=True)
class Enlarged:
    """A generator with its enlarger."""

    graph: onnx.ModelProto
    report: EnlargerReport
    sheet: Image.Image


@dataclass(frozen=True, slots=True)
class Subject:
    """The generator that is to be enlarged: its release, what its pictures are known by, and its graph."""

    name: str
    drawn: str
    graph: onnx.ModelProto
    exact: bool


def teach_enlarger(
    run: RunPaths,
    subject: Subject,
    pairs: Pairs,
    large: ImageOutput,
    settings: EnlargerSettings,
    console: Console,
) -> Enlarged | None:
    """Teach an enlarger in a folder and join it to the generator; None where it was stopped before.

    It goes on from where it was. A generator in exact arithmetic gets an enlarger that is exact too.

    Raises:
        RunError: another process works in the folder, or it holds another enlarger; or it cannot be written.
        ExportError: the graph is not what Keras computes, has no place on a grid, or cannot be joined.
        DivergenceError: a weight is no number any more.
    """
    settings = choose_settings(settings, max(large.height, large.width))
    run.folder.mkdir(parents=True, exist_ok=True)
    with claim_run(run):
        course = Course("enlarger", run.folder / "enlarger", settings.steps, settings.learning_rate)
        begin_folder(course, settings, subject.drawn, pairs.large, CHANGEABLE)
        policy = choose_precision()
        with doing(console, "Building the enlarger"):
            learner = Learner(settings, pairs.small.shape, large.channels, policy)
            teaching = begin_teaching(course, learner, pairs, console)
        if not teaching.go_on():
            return None
        enlarger = learner.enlarger
        if policy != "float32":
            enlarger = Learner(settings, pairs.small.shape, large.channels, "float32").enlarger
            enlarger.set_weights(learner.enlarger.get_weights())
        with doing(console, "Turning the enlarger into ONNX, and holding it against Keras") as turn_to:
            return export(subject, enlarger, pairs, large, settings, turn_to)


def begin_teaching(course: Course, learner: Learner, pairs: Pairs, console: Console) -> Teaching:
    """Return the training of an enlarger in its folder.

    Raises:
        RunError: the folder holds a damaged state.
    """

    def learn(step: int) -> Floats:
        batch = pairs.take(learner.settings, step)
        losses: Floats = learner.learn(batch.small, batch.large, batch.drawn).numpy()
        return losses

    def describe(losses: Floats) -> str:
        return f"pixels {losses[0]:.4f}  drawings {losses[1]:.4f}"

    return Teaching(course, learner, learn, describe, console)


def export(
    subject: Subject,
    enlarger: keras.Model,
    pairs: Pairs,
    large: ImageOutput,
    settings: EnlargerSettings,
    turn_to: Turn,
) -> Enlarged:
    """Return the generator with an enlarger that has learnt, held against Keras and measured.

    Raises:
        ExportError: as `teach_enlarger`.
    """
    model = convert_enlarger(enlarger)
    comparison = compare_with_keras(model, enlarger, pairs.drawn)
    served, price = keep_pixels(model), None
    if subject.exact:
        turn_to("Placing the enlarger on a grid, where no sum can round")
        served, price = place_enlarger(served, pairs.drawn)
    graph = join(subject.graph, served, max(large.height, large.width))
    if subject.exact:
        check_exact(graph)
    turn_to("Measuring the enlarger")
    small, pictures = choose_measured(pairs, settings.pictures)
    figures = measure(served, small, pictures)
    report = EnlargerReport(
        origin=subject.name,
        data=pairs.data,
        pictures=len(pairs.large.images),
        settings=settings,
        comparison=comparison,
        figures=figures,
        price=price,
    )
    return Enlarged(graph, report, lay_sheet(served, small, pictures, pairs.drawn))


def choose_measured(pairs: Pairs, count: int) -> tuple[Images, Images]:
    """Return `count` pairs of pictures from all over the set: uint8 (n, h, w, c), and (n, 2h, 2w, C)."""
    step = max(1, len(pairs.large.images) // count)
    rows = slice(0, count * step, step)
    return pairs.small.images[rows], pairs.large.images[rows]


def is_worse(figures: Mapping[str, float]) -> bool:
    """Say whether pictures enlarged are farther from what they are than interpolated."""
    return figures["enlarged_pixels"] > figures["interpolated_pixels"]


def describe_figures(figures: Mapping[str, float]) -> str:
    """Return the figures as a sentence for a person."""
    enlarged, interpolated = figures["enlarged_pixels"], figures["interpolated_pixels"]
    said = (
        f"Enlarged, training pictures are {enlarged:.4g} from what they are (mean difference in [-1, 1]); "
        f"interpolated, {interpolated:.4g}."
    )
    if enlarged > MOST_LACKING * interpolated:
        said += " That is worse than interpolation: it has learnt too little. Give it longer (--set steps=)."
    elif enlarged > NO_WORSE * interpolated:
        said += (
            " It has learnt nothing: do the pictures show more at this size than at half of it? Name larger "
            "ones with --data, or give it longer (--set steps=)."
        )
    return said

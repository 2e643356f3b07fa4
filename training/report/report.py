"""The report of a run: what its folder holds, put into the template."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from training.errors import RunError
from training.metrics import (
    GENERATED,
    HELD_OUT,
    REAL,
    TRAINING,
    Figure,
    parse_figure,
    warn_of_few,
    write_figure,
)
from training.metrics.figures import Pairing
from training.presets import find_preset
from training.report.pictures import Grid, animate_grids, data_address, read_grids, read_picture
from training.report.reconstructions import read_reconstructed
from training.run.best import BestCheckpoint, read_best
from training.run.curves import DARK, LIGHT, draw_curves
from training.run.durations import describe_duration
from training.run.folder import Run, read_json, replace_text
from training.run.signs import find_signs
from training.run.stats import EpochStats
from training.shape import MAX_CLASS_ROWS

TEMPLATE = "report.html.jinja"


@dataclass(frozen=True, slots=True)
class Copied:
    """The drawings nearest to training pictures."""

    rule: str
    """When a drawing is a copy."""
    searched: int
    """Training pictures."""
    pairs: list[dict[str, Any]]
    grid: Grid
    """The drawings, and below each what is nearest to it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of the exported generator's pictures, and that of as many real ones."""

    label: str
    meaning: str
    name: str
    """With its feature space and number of pictures."""
    generated: str
    """With the digits that its pictures bear."""
    real: str
    """Empty where there is none."""


def write_report(run_folder: Path) -> Path:
    """Write RUN/report.html of whatever the run folder holds, at any time, and return its path.

    Raises:
        RunError: it is not a run folder, a file in it is damaged, or the report cannot be written.
    """
    run = Run(run_folder)
    run.read_configuration()
    ranking = read_ranking(run)
    stats = add_ranking(run.read_stats(), ranking)
    grids = run.sample_paths()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = environment.get_template(TEMPLATE).render(
        name=run.folder.resolve().name,
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        settings=read_object(run.config_path),
        stats=stats,
        duration=describe_duration(sum(row.seconds for row in stats)),
        images_per_s=mean_speed(stats),
        images=sum(row.images for row in stats),
        grids=read_grids(grids),
        real=read_picture(run.real_path),
        signs=find_signs(stats),
        grids_of_all=len(grids) >= len(stats),
        rows=name_rows(run),
        animation=animate_grids(grids),
        curves={
            theme: data_address(draw_curves(stats, colours), "image/png")
            for theme, colours in (("light", LIGHT), ("dark", DARK))
            if stats
        },
        comparisons=(comparisons := read_comparisons(run)),
        few=warn_of_few(row.name for row in comparisons),
        copied=read_copied(run),
        reconstructed=read_reconstructed(run),
        export=read_object(run.export_report_path),
        best=read_best(run),
        measured=list_measured(stats, ranking),
        environment=read_object(run.environment_path),
        publications=read_publications(run),
    )
    try:
        replace_text(run.report_path, content)
    except OSError as error:
        raise RunError(f"{run.report_path} cannot be written: {error.strerror}.") from error
    return run.report_path


def name_rows(run: Run) -> tuple[str, ...]:
    """Return the classes of the grids' rows; none of a generator that knows no classes."""
    if not run.pictures_path.exists():
        return ()
    shape = run.read_shape()
    return tuple(find_preset(run.read_configuration().preset).label_classes(shape))[:MAX_CLASS_ROWS]


def mean_speed(stats: list[EpochStats]) -> float:
    """Return the images/s over the whole run, but what was spent on compiling; 0 before that is known."""
    timed = [(row.images, row.images / row.images_per_s) for row in stats if row.images_per_s]
    return sum(images for images, _ in timed) / sum(seconds for _, seconds in timed) if timed else 0.0


def read_comparisons(run: Run) -> list[Comparison]:
    """Return what was measured of the very graph that lies in the run folder; nothing if none was."""
    figures: dict[str, float] = read_evaluation_of_export(run).get("figures", {})
    beside = {GENERATED: REAL, TRAINING: HELD_OUT}
    comparisons = []
    for name, value in figures.items():
        figure = parse_figure(name)
        if figure and figure.protocol.pairing in beside:
            real = beside[figure.protocol.pairing]
            metric, other = figure.metric, find_beside(figures, figure, real)
            beside_it = write_figure(other, figures[other]) if other else ""
            comparisons.append(
                Comparison(metric.title, metric.meaning, name, write_figure(name, value), beside_it)
            )
    return comparisons


def find_beside(figures: dict[str, float], figure: Figure, pairing: Pairing) -> str:
    """Return the name of the same metric in the same space of other pictures, of however many; or nothing."""
    for name in figures:
        other = parse_figure(name)
        if (
            other
            and (other.metric, other.protocol.space) == (figure.metric, figure.protocol.space)
            and other.protocol.pairing == pairing
        ):
            return name
    return ""


def read_copied(run: Run) -> Copied | None:
    """Return the most copied drawings of the graph in the run folder; None if nobody has looked."""
    copies = read_evaluation_of_export(run).get("copies")
    grid = read_picture(run.copies_path) if copies else None
    if not copies or grid is None:
        return None
    return Copied(copies["rule"], copies["training_pictures"], copies["most_copied"], grid)


def read_evaluation_of_export(run: Run) -> dict[str, Any]:
    """Return what was measured of the very graph that lies in the run folder; nothing if none was."""
    content = read_object(run.figures_path)
    return content if content.get("sha256") == read_object(run.export_report_path).get("sha256") else {}


def read_ranking(run: Run) -> list[BestCheckpoint]:
    """Return the checkpoints that were measured after the training, if they were."""
    if not run.ranking_path.exists():
        return []
    rows = read_json(run.ranking_path)
    return [BestCheckpoint.model_validate(row) for row in rows]


def add_ranking(stats: list[EpochStats], ranking: list[BestCheckpoint]) -> list[EpochStats]:
    """Return the figures of each epoch with what was measured of its checkpoint afterwards."""
    ranked: dict[int, dict[str, float]] = {}
    for measured in ranking:
        ranked.setdefault(measured.step, {})[measured.figure] = measured.value
    return [row.model_copy(update={"figures": {**ranked.get(row.step, {}), **row.figures}}) for row in stats]


def list_measured(stats: list[EpochStats], ranking: list[BestCheckpoint]) -> list[BestCheckpoint]:
    """Return the checkpoints that were measured, while training or afterwards, in the order of training."""
    measured = [
        BestCheckpoint(step=row.step, epoch=row.epoch, figure=name, value=value)
        for row in stats
        for name, value in row.figures.items()
    ]
    whole_epochs = {row.step for row in stats}
    measured += [row for row in ranking if row.step not in whole_epochs]
    return sorted(measured, key=lambda row: (row.figure, row.step))


def read_object(path: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one where there is no file."""
    content: dict[str, Any] = read_json(path) if path.exists() else {}
    return content


def read_publications(run: Run) -> list[dict[str, Any]]:
    """Return as what the run was published, the latest last."""
    if not run.publications_path.exists():
        return []
    try:
        lines = run.publications_path.read_text(encoding="utf-8-sig").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except ValueError as error:
        raise RunError(f"{run.publications_path} is damaged. Take out the line that is no JSON.") from error

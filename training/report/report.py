"""The report of a run: what its folder holds, put into the template."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from training.errors import RunError
from training.metrics import GENERATED, REAL, parse_figure
from training.presets import find_preset
from training.report.pictures import animate_grids, data_address, read_grids, read_picture
from training.run.best import BestCheckpoint, read_best
from training.run.curves import DARK, LIGHT, draw_curves
from training.run.durations import describe_duration
from training.run.folder import Run, replace_text
from training.run.signs import find_signs
from training.run.stats import EpochStats
from training.shape import MAX_CLASS_ROWS

TEMPLATE = "report.html.jinja"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of the exported generator's pictures, and that of as many real ones."""

    label: str
    meaning: str
    name: str
    """With its feature space and number of pictures."""
    generated: float
    real: float | None


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
        comparisons=read_comparisons(run),
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
    """Return the images/s over the whole run; 0 before the first epoch."""
    seconds = sum(row.seconds for row in stats)
    return sum(row.images for row in stats) / seconds if seconds else 0.0


def read_comparisons(run: Run) -> list[Comparison]:
    """Return what was measured of the very graph that lies in the run folder; nothing if none was."""
    content, export = read_object(run.figures_path), read_object(run.export_report_path)
    if not content or content["sha256"] != export.get("sha256"):
        return []
    figures: dict[str, float] = content["figures"]
    comparisons = []
    for name, value in figures.items():
        figure = parse_figure(name)
        if figure and figure.protocol.pairing == GENERATED:
            real = replace(figure, protocol=replace(figure.protocol, pairing=REAL))
            metric = figure.metric
            comparisons.append(Comparison(metric.title, metric.meaning, name, value, figures.get(real.name)))
    return comparisons


def read_ranking(run: Run) -> list[BestCheckpoint]:
    """Return the checkpoints that were measured after the training, if they were."""
    if not run.ranking_path.exists():
        return []
    rows = json.loads(run.ranking_path.read_text(encoding="utf-8-sig"))
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
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    return content


def read_publications(run: Run) -> list[dict[str, Any]]:
    """Return as what the run was published, the latest last."""
    if not run.publications_path.exists():
        return []
    lines = run.publications_path.read_text(encoding="utf-8-sig").splitlines()
    return [json.loads(line) for line in lines if line.strip()]

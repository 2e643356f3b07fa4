"""The export of a run: its generator as an ONNX graph, compared with Keras before anyone may publish it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from foundation.grid.price import Price
from foundation.latents import draw_latents
from foundation.manifest import Arithmetic
from training.activity import Turn
from training.errors import ExportError
from training.export.comparison import (
    COMPARED_LATENTS,
    MAX_FLOAT_DIFFERENCE,
    MAX_LEVELS,
    Comparison,
    blend_classes,
    compare_with_keras,
)
from training.export.graph import OPSET, convert_generator, keep_pixels
from training.export.placed import place_graph
from training.export.versions import library_versions
from training.export.weights import write_weights
from training.grid.tuning import Shown, show_nothing
from training.presets import build_gan, find_preset
from training.run.best import BestCheckpoint, read_best
from training.run.checkpoints import Checkpoints
from training.run.folder import Run, replace_text


class ExportReport(BaseModel):
    """What export.json says of generator.onnx: where it comes from, its shape and the comparison."""

    model_config = ConfigDict(frozen=True)

    created_at: AwareDatetime
    epochs: int
    """Whole epochs; the step may lie after them."""
    step: int
    opset: int
    latent_size: int
    height: int
    width: int
    channels: int
    class_names: tuple[str, ...] = ()
    """Of the input `label`; empty for a generator without one."""
    best: BestCheckpoint | None = None
    """By which figure this checkpoint was chosen, if it was."""
    sha256: str
    comparison: Comparison
    versions: dict[str, str]
    arithmetic: Arithmetic = "float"
    price: Price | None = None
    """What the grid costs, of a graph that is exact."""


def export_run(
    run_folder: Path,
    *,
    checkpoint: Literal["best", "last"] | int | None = None,
    arithmetic: Arithmetic = "float",
    tuning_steps: int = 0,
    tuned: Shown = show_nothing,
    turn: Turn = lambda _: None,
) -> Path:
    """Write RUN/export/generator.onnx and export.json from a checkpoint of the run.

    `checkpoint` is the best that was measured, the last, or that after so many batches. None is the best,
    or the last of a run whose checkpoints were never measured. `exact` places the graph on grids, on which no
    sum can round, once it was compared, and trains it there for `tuning_steps`; `tuned` is told of each.
    `turn` is told what is done.

    Raises:
        RunError: there is no such run or checkpoint.
        ExportError: the graph and Keras differ by more than 1e-4 in [-1, 1] or one level in 0 to 255, or
            the graph has no place on a grid.
    """
    run = Run(run_folder)
    configuration = run.read_configuration()
    shape = run.read_shape()
    turn("Building the networks")
    gan = build_gan(configuration, "float32", shape, total_steps=1)  # the weights are float32 anyway
    step, best = choose_checkpoint(run, checkpoint)
    if not Checkpoints(run.checkpoints_folder, gan, configuration.checkpoints_kept).restore(step):
        raise ExportError(f"{run_folder} has no checkpoint yet. Train it for an epoch first.")
    turn("Making the generator ready to draw")
    generator = gan.finish_generator()
    class_names = find_preset(configuration.preset).label_classes(shape)
    turn("Turning the generator into ONNX")
    model = convert_generator(generator, configuration.latent_size, len(class_names))
    latents = draw_latents(range(COMPARED_LATENTS), configuration.latent_size)  # (256, Z)
    turn("Holding its pictures against those of Keras")
    comparison = compare_with_keras(model, generator, latents, blend_classes(len(class_names)))
    if not comparison.passes:
        raise ExportError(
            f"The exported graph does not draw what Keras draws: up to {comparison.max_float_difference:.2e} "
            f"in [-1, 1] (at most {MAX_FLOAT_DIFFERENCE:.0e} may be) and {comparison.max_levels} levels "
            f"of 255 (at most {MAX_LEVELS}). Nothing was written."
        )
    served, price = keep_pixels(model), None
    if arithmetic == "exact":
        turn("Placing the graph on a grid")
        served, price = place_graph(served, configuration.latent_size, class_names, tuning_steps, tuned)
    graph = served.SerializeToString()
    height, width, channels = generator.output_shape[1:]
    report = ExportReport(
        created_at=datetime.now(UTC).replace(microsecond=0),
        epochs=epochs_at(run, int(gan.step)),
        step=int(gan.step),
        opset=OPSET,
        latent_size=configuration.latent_size,
        height=height,
        width=width,
        channels=channels,
        class_names=class_names,
        best=best,
        sha256=hashlib.sha256(graph).hexdigest(),
        comparison=comparison,
        versions=library_versions(),
        arithmetic=arithmetic,
        price=price,
    )
    run.export_folder.mkdir(exist_ok=True)
    run.graph_path.write_bytes(graph)
    write_weights(run.weights_path, gan)
    replace_text(run.export_report_path, report.model_dump_json(indent=2) + "\n")
    return run.graph_path


def choose_checkpoint(
    run: Run, checkpoint: Literal["best", "last"] | int | None
) -> tuple[int | None, BestCheckpoint | None]:
    """Return the step to export, None for the newest, and the figure that chose it.

    Raises:
        ExportError: the best is asked for and none was measured.
    """
    best = read_best(run)
    if checkpoint == "best" and best is None:
        raise ExportError(
            f"No checkpoint of {run.folder} was measured yet: ganymede rank {run.folder} measures them all."
        )
    if checkpoint == "last":
        return None, None
    if isinstance(checkpoint, int):
        return checkpoint, best if best and best.step == checkpoint else None
    return (best.step, best) if best else (None, None)


def read_export(run: Run) -> ExportReport:
    """Read export.json and hold generator.onnx against it.

    Raises:
        ExportError: it is no run, was not exported, was altered since, or failed the comparison.
    """
    try:
        report = ExportReport.model_validate_json(run.export_report_path.read_text(encoding="utf-8-sig"))
        graph = run.graph_path.read_bytes()
    except FileNotFoundError as error:
        if not run.config_path.exists():
            raise ExportError(f"{run.folder} is not a run folder: it has no config.json.") from error
        raise ExportError(f"{run.folder} is not exported yet: {error.filename} is missing.") from error
    except ValueError as error:  # no figures of the kind, or no UTF-8
        raise ExportError(f"{run.export_report_path} is damaged. Export the run again.") from error
    if hashlib.sha256(graph).hexdigest() != report.sha256:
        raise ExportError(f"{run.graph_path} is not the graph that was compared. Export the run again.")
    if not report.comparison.passes:
        raise ExportError(f"{run.graph_path} failed its comparison with Keras. Export the run again.")
    return report


def epochs_at(run: Run, step: int) -> int:
    """Return how many epochs `step` batches are, by the run's stats; 0 within the first."""
    return max((row.epoch for row in run.read_stats() if row.step <= step), default=0)

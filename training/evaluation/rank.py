"""The checkpoints that a run has kept, measured one by one, so that the best is known afterwards too."""

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path

from training.data import load_pictures
from training.errors import EvaluationError, RunError
from training.evaluation.few import count_pictures
from training.evaluation.gauge import open_gauge
from training.metrics import MIN_IMAGES
from training.presets import build_gan, find_preset
from training.run.best import BestCheckpoint, keep_best, read_best
from training.run.checkpoints import Checkpoints
from training.run.folder import Run, replace_text


def rank_run(
    run_folder: Path,
    *,
    features: Path | None,
    images: int | None,
    data_folder: Path | None,
    measured: Callable[[BestCheckpoint, int], None],
) -> BestCheckpoint:
    """Measure every checkpoint of a run by `images` pictures each, and keep the best in checkpoints/best.

    None is as many as while training. `measured` is told of each and of how many there are. The run may go
    on meanwhile: a checkpoint that it drops before its turn is left out.

    Raises:
        RunError: there is no such run.
        EvaluationError: there is no feature network, or it cannot be run, or there is no checkpoint, or
            there are too few pictures.
    """
    run = Run(run_folder)
    configuration, shape = run.read_configuration(), run.read_shape()
    pictures = load_pictures(configuration.data, data_folder, "train", run.keep_colour(configuration))
    if (count := len(pictures.images)) < MIN_IMAGES:
        raise EvaluationError(
            f"'{configuration.data}' has {count_pictures(count)} to train on, and figures need at least "
            f"{MIN_IMAGES} to compare with. Add pictures, and train a new run."
        )
    gauge = open_gauge(configuration, pictures, features, images)
    gan = build_gan(configuration, "float32", shape, total_steps=1)  # the weights are float32 anyway
    checkpoints = Checkpoints(run.checkpoints_folder, gan, configuration.checkpoints_kept)
    classes = len(find_preset(configuration.preset).label_classes(shape))
    epochs = {row.step: row.epoch for row in run.read_stats()}
    kept = read_best(run)
    steps = sorted({*checkpoints.steps, *([kept.step] if kept else [])})
    ranking: list[BestCheckpoint] = []
    for step in steps:
        try:
            checkpoints.restore(step)
            value = gauge.measure(gan.finish_generator(), configuration.latent_size, classes).distance
            epoch = max((epochs[known] for known in epochs if known <= step), default=0)
            candidate = BestCheckpoint(step=step, epoch=epoch, figure=gauge.figure.name, value=value)
            if all(candidate.beats(other) for other in ranking):
                keep_best(run, candidate)
        except (RunError, FileNotFoundError):
            if run.has_checkpoint(step):
                raise
            continue  # dropped meanwhile
        ranking.append(candidate)
        measured(candidate, len(steps))
    if not ranking:
        raise EvaluationError(f"{run_folder} has no checkpoint yet. Train it for an epoch first.")
    rows = [candidate.model_dump() for candidate in ranking]
    replace_text(run.ranking_path, json.dumps(rows, indent=1) + "\n")
    return reduce(lambda best, candidate: candidate if candidate.beats(best) else best, ranking)

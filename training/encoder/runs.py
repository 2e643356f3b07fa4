"""An encoder beside a run's generator, as it was exported."""

from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from training.config import Configuration
from training.data import Pictures, load_pictures
from training.encoder.encoding import Lesson, teach_encoder
from training.encoder.settings import EncoderSettings
from training.encoder.subject import read_exported
from training.errors import DataError, ExportError
from training.export.exporting import ExportReport, read_export
from training.export.projection import ProjectionReport
from training.presets import build_gan
from training.run.checkpoints import Checkpoints
from training.run.folder import Run
from training.shape import PictureSettings


def encode_run(
    run_folder: Path,
    settings: EncoderSettings,
    *,
    data_folder: Path | None,
    features: Path | None,
    console: Console,
) -> ProjectionReport | None:
    """Teach the encoder of an exported run; None where it was stopped, and goes on another time.

    Raises:
        ExportError: the run is not exported; and as `teach_encoder`, of which all else is, too.
    """
    run = Run(run_folder)
    report, configuration = read_export(run), run.read_configuration()
    subject = read_exported(str(run_folder), report, run.graph_path.read_bytes())
    kept = run.keep_colour(configuration)
    training = load_pictures(configuration.data, data_folder, "train", kept, console)
    held_out = load_held_out(configuration.data, data_folder, kept, training)
    lesson = Lesson(
        subject,
        training,
        held_out,
        lambda: restore_generator(run, configuration, report),
        features,
        report.step,
    )
    return teach_encoder(run, lesson, settings, console)


def load_held_out(
    data: str, data_folder: Path | None, settings: PictureSettings, training: Pictures
) -> Pictures | None:
    """Return the pictures that nothing was trained on; None where there are none, or none to be read."""
    try:
        held_out = load_pictures(data, data_folder, "test", settings)
    except DataError:
        return None
    same = len(held_out.images) == len(training.images) and np.array_equal(
        held_out.images[:1], training.images[:1]
    )
    return None if same else held_out


def restore_generator(run: Run, configuration: Configuration, report: ExportReport) -> keras.Model:
    """Return the network that was exported, from its checkpoint.

    Raises:
        ExportError: the checkpoint is not kept any more.
    """
    gan = build_gan(configuration, "float32", run.read_shape(), total_steps=1)
    if not run.has_checkpoint(report.step):
        raise ExportError(
            f"The checkpoint of batch {report.step}, which was exported, is not kept any more: "
            f"ganymede export {run.folder} exports another."
        )
    Checkpoints(run.checkpoints_folder, gan, configuration.checkpoints_kept).restore(report.step)
    return gan.finish_generator()

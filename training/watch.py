"""What a run is watched with: its figure, its health, and a voice that says how it goes on."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from training.config import Configuration
from training.data import Pictures
from training.evaluation.gauge import Gauge, find_gauge
from training.launch.choices import advise_length, describe_set, require_figure
from training.launch.held_out import load_held_out
from training.launch.introduction import introduce
from training.launch.peak import measure_peak_bytes
from training.run.folder import Run
from training.run.health import Health, observe_health
from training.run.voice import Voice


@dataclass(frozen=True, slots=True)
class Watch:
    """What the process that writes the run watches it with."""

    gauge: Gauge | None
    """None where nothing can measure its pictures."""
    health: Health
    voice: Voice | None
    """None for a run that is not to speak."""


def prepare_watch(
    configuration: Configuration,
    run: Run,
    pictures: Pictures,
    console: Console,
    data_folder: Path | None,
    replicas: int,
    *,
    speaks: bool,
) -> Watch:
    """Say what the run begins with, if it speaks, and make ready what watches it.

    Raises:
        ConfigurationError: it is to end by a figure that nothing measures.
        EvaluationError: the feature network cannot be run.
    """
    if not configuration.evaluation_epochs:
        require_figure(configuration, None)
    if speaks:
        console.print(f"Training into {run.folder}", highlight=False, soft_wrap=True, markup=False)
        introduce(configuration, pictures, replicas, console)
    advise_length(configuration, run, describe_set(pictures), console)
    gauge = find_gauge(configuration, pictures, console)
    require_figure(configuration, gauge)
    held_out = load_held_out(run.keep_colour(configuration), data_folder, pictures)
    voice = None
    if speaks:
        voice = Voice(
            console,
            epochs=configuration.epochs,
            total_steps=configuration.epochs * configuration.count_batches(len(pictures.images)),
            peak_bytes=measure_peak_bytes,
        )
    return Watch(gauge, observe_health(pictures, held_out), voice)

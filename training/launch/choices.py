"""What is chosen for a run: what `auto` stands for, and what its length should be.

`auto` is what the run went with so far, or what suits it best.
"""

from collections.abc import Callable

from rich.console import Console

from training.config import Configuration
from training.errors import ConfigurationError
from training.evaluation.gauge import Gauge
from training.networks.precision import choose_precision
from training.presets import find_preset
from training.run.folder import Run


def replace_automatic(configuration: Configuration, run: Run, images: int) -> Configuration:
    """Replace each `auto` by that of the run to go on with, or by what suits machine and pictures."""
    if not run.config_path.exists():
        return choose_automatic(configuration, images)
    stored = run.read_configuration()
    automatic = [field for field in list_choosers(configuration) if getattr(configuration, field) == "auto"]
    return configuration.model_copy(update={field: getattr(stored, field, "auto") for field in automatic})


def choose_automatic(configuration: Configuration, images: int) -> Configuration:
    """Replace each `auto` by what suits this machine and so many pictures."""
    choosers = list_choosers(configuration)
    automatic = [field for field in choosers if getattr(configuration, field) == "auto"]
    return configuration.model_copy(update={field: choosers[field](images) for field in automatic})


def list_choosers(configuration: Configuration) -> dict[str, Callable[[int], object]]:
    """Return what `auto` stands for in each setting that has it, by how many pictures there are."""
    return {
        "precision": lambda _: choose_precision(),
        **find_preset(configuration.preset).automatic,
    }


def advise_length(configuration: Configuration, run: Run, images: int, console: Console) -> None:
    """Say at the start of a run of a preset that it has few batches, and which `epochs` would do."""
    advice = find_preset(configuration.preset).length
    batches_per_epoch = configuration.count_batches(images)
    batches = configuration.epochs * batches_per_epoch
    if advice and batches < advice.few and not run.stats_path.exists():
        console.print(
            f"{batches:,} batches in all are few for good pictures: with --set epochs="
            f"{-(-advice.good // batches_per_epoch)} there are {advice.good:,}.",
            highlight=False,
            soft_wrap=True,
        )


def require_figure(configuration: Configuration, gauge: Gauge | None) -> None:
    """Raise ConfigurationError where a run is to end by a figure, and nothing measures it."""
    if configuration.patience and gauge is None:
        raise ConfigurationError(
            f"patience={configuration.patience} ends a run by its figure, and this one has none: name a "
            "feature network with --features and let evaluation_epochs be 1 or more, or leave patience out."
        )

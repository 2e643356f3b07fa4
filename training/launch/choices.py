"""What is chosen for a run: what `auto` stands for, and what its length should be.

`auto` is what the run went with so far, or what suits it best.
"""

from collections.abc import Callable

from rich.console import Console

from training.config import AnyConfiguration, ModernConfiguration
from training.networks.augment import choose_probability
from training.networks.precision import choose_precision
from training.run.folder import Run

FEW_BATCHES = 2_000
GOOD_BATCHES = 8_000
"""Fewer than the bundled emoji took."""


def replace_automatic(configuration: AnyConfiguration, run: Run, images: int) -> AnyConfiguration:
    """Replace each `auto` by that of the run to go on with, or by what suits machine and pictures."""
    choosers: dict[str, Callable[[], str | float]] = {
        "precision": choose_precision,
        "augmentation": lambda: choose_probability(images),
    }
    open_choices = [field for field in choosers if getattr(configuration, field, None) == "auto"]
    if run.config_path.exists():
        stored = run.read_configuration()
        found = {field: getattr(stored, field, "auto") for field in open_choices}
    else:
        found = {field: choosers[field]() for field in open_choices}
    return configuration.model_copy(update=found)


def advise_length(configuration: AnyConfiguration, run: Run, images: int, console: Console) -> None:
    """Say at the start of a run of `modern` that it has few batches, and which `epochs` would be enough."""
    batches_per_epoch = configuration.count_batches(images)
    batches = configuration.epochs * batches_per_epoch
    if (
        isinstance(configuration, ModernConfiguration)
        and batches < FEW_BATCHES
        and not run.stats_path.exists()
    ):
        console.print(
            f"{batches:,} batches in all are few for good pictures: with --set epochs="
            f"{-(-GOOD_BATCHES // batches_per_epoch)} there are {GOOD_BATCHES:,}.",
            highlight=False,
            soft_wrap=True,
        )

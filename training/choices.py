"""What `auto` in a configuration stands for: what the run went with so far, or what suits it best."""

from collections.abc import Callable

from training.augment import choose_probability
from training.config import AnyConfiguration
from training.precision import choose_precision
from training.run import Run


def settle_choices(configuration: AnyConfiguration, run: Run, images: int) -> AnyConfiguration:
    """Replace each `auto` by that of the run to go on with, or by what suits machine and pictures."""
    choosers: dict[str, Callable[[], str | float]] = {
        "precision": choose_precision,
        "augmentation": lambda: choose_probability(images),
    }
    open_choices = [field for field in choosers if getattr(configuration, field, None) == "auto"]
    if run.config_path.exists():
        stored = run.read_configuration()
        settled = {field: getattr(stored, field, "auto") for field in open_choices}
    else:
        settled = {field: choosers[field]() for field in open_choices}
    return configuration.model_copy(update=settled)

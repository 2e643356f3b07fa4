"""What is chosen for a run: what `auto` stands for, and what its length should be.

`auto` is what the run went with so far, or what suits it best.
"""

from functools import partial

from rich.console import Console

from training.config import C, Configuration, write_value
from training.data import Pictures
from training.data.mirror import bears_mirror
from training.errors import ConfigurationError
from training.evaluation.gauge import Gauge
from training.metrics import MIN_IMAGES
from training.networks.precision import choose_precision, has_gpu
from training.preset import PictureSet
from training.presets import find_preset, list_presets
from training.run.folder import Run


def describe_set(pictures: Pictures) -> PictureSet:
    """Return what settings are chosen by."""
    bears = partial(bears_mirror, pictures.images, pictures.labels)
    return PictureSet(len(pictures.images), pictures.shape, bears, has_gpu)


def replace_automatic(configuration: C, run: Run, pictures: PictureSet) -> C:
    """Replace each `auto` by that of the run to go on with, or by what suits machine and pictures."""
    if not run.config_path.exists():
        return choose_automatic(configuration, pictures)
    chosen = choose_values(configuration, pictures)
    stored = run.read_configuration()
    return configuration.model_copy(
        update={field: getattr(stored, field, value) for field, value in chosen.items()}
    )


def choose_automatic(configuration: C, pictures: PictureSet) -> C:
    """Replace each `auto` by what suits this machine and such pictures."""
    return configuration.model_copy(update=choose_values(configuration, pictures))


def choose_values(configuration: Configuration, pictures: PictureSet) -> dict[str, object]:
    """Return what suits machine and pictures, of each setting that is `auto`.

    Raises:
        ConfigurationError: the precision is not for this preset.
    """
    preset = find_preset(configuration.preset)
    chosen = dict(preset.choose_settings(configuration, pictures))
    if configuration.precision == "auto":
        chosen["precision"] = choose_precision(bears_float16=preset.bears_float16)
    if configuration.precision == "mixed_float16" and not preset.bears_float16:
        raise ConfigurationError(
            f"The preset '{preset.name}' does not scale its losses, and float16 is too small for them. "
            f"Use --set precision=float32, or --preset {list_presets(lambda other: other.bears_float16)}."
        )
    return chosen


def say_choices(asked: Configuration, chosen: Configuration, console: Console) -> None:
    """Say what was chosen for a run whose configuration left some of it open, and what has no effect."""
    fields = [name for name in type(chosen).model_fields if getattr(asked, name) != getattr(chosen, name)]
    if fields:
        words = ", ".join(f"{name}={write_value(getattr(chosen, name))}" for name in fields)
        console.print(f"Chosen for these pictures: {words}.", highlight=False, soft_wrap=True, markup=False)
    if getattr(chosen, "mirror", False) is True and getattr(chosen, "augmentation", "") != "adaptive":
        said = "mirror=true mirrors nothing without --set augmentation=adaptive, which is for larger pictures"
        console.print(f"{said} unless it is set.", highlight=False, soft_wrap=True, markup=False)


def advise_length(configuration: Configuration, run: Run, pictures: PictureSet, console: Console) -> None:
    """Say at the start of a run of a preset that it has few batches, and which `epochs` would do."""
    advice = find_preset(configuration.preset).advise_length(configuration, pictures)
    if advice and not run.stats_path.exists():
        console.print(advice, highlight=False, soft_wrap=True)


def require_figure(configuration: Configuration, gauge: Gauge | None) -> None:
    """Raise ConfigurationError where a run is to end by a figure, and nothing measures it."""
    if configuration.patience and gauge is None:
        raise ConfigurationError(
            f"patience={configuration.patience} ends a run by its figure, and this one has none: that takes "
            f"{MIN_IMAGES} pictures, a feature network (--features names one) and evaluation_epochs of 1 or "
            "more. Or leave patience out."
        )

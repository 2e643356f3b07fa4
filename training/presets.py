"""The registry of presets: the only module that imports them; everything else asks it by name."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter

from training import chollet, dcgan, modern
from training.config import Configuration, Precision, nearest
from training.errors import ConfigurationError, TrainingProblem
from training.preset import Preset
from training.shape import PictureShape

if TYPE_CHECKING:
    from training.gan import GAN

PRESETS: Mapping[str, Preset[Any]] = MappingProxyType(
    {preset.name: preset for preset in (dcgan.PRESET, chollet.PRESET, modern.PRESET)}
)


def find_preset(name: str) -> Preset[Any]:
    """Return the preset called `name`; raise ConfigurationError with the nearest name otherwise."""
    if name in PRESETS:
        return PRESETS[name]
    raise ConfigurationError(f"There is no preset '{name}'.{nearest(name, PRESETS)}")


def list_presets(suits: Callable[[Preset[Any]], bool]) -> str:
    """Return the names of the presets that suit, as `dcgan or modern`."""
    return " or ".join(name for name, preset in PRESETS.items() if suits(preset))


def any_configuration() -> TypeAdapter[Configuration]:
    """Return the union of the presets' configurations, told apart by their field `preset`."""
    union = reduce(or_, (preset.configuration_class for preset in PRESETS.values()))
    form: Any = Annotated[union, Field(discriminator="preset")]  # made here, so no type checker knows it
    return TypeAdapter(form)


def parse_configuration(stored: Mapping[str, Any]) -> Configuration:
    """Return the configuration that a run folder holds, of today or from before some settings.

    Raises:
        KeyError: it names no preset.
        ValueError: it names an unknown one, or a setting is wrong.
    """
    preset = PRESETS.get(stored["preset"])
    return any_configuration().validate_python({**(preset.earlier if preset else {}), **stored})


def require_drawable(configuration: Configuration, shape: PictureShape) -> None:
    """Refuse pictures that the networks of the configuration's preset cannot draw.

    Raises:
        ConfigurationError: the preset is for one shape, and this is another.
        DataError: they cannot be halved as often as they should.
    """
    try:
        find_preset(configuration.preset).require_drawable(shape)
    except ConfigurationError as error:
        others = list_presets(lambda preset: draws(preset, shape))
        advice = f" Or use --preset {others}." if others else ""
        raise ConfigurationError(f"{error}{advice}") from error


def draws(preset: Preset[Any], shape: PictureShape) -> bool:
    """Say whether the preset's networks can draw pictures of that shape."""
    try:
        preset.require_drawable(shape)
    except TrainingProblem:
        return False
    return True


def build_gan(
    configuration: Configuration, policy: Precision, shape: PictureShape, total_steps: int
) -> "GAN":
    """Build the networks of the configuration's preset for pictures of `shape`.

    `total_steps` is the length of the whole run.

    Raises:
        ConfigurationError, DataError: as `require_drawable`.
    """
    require_drawable(configuration, shape)
    return find_preset(configuration.preset).build(configuration, policy, shape, total_steps)

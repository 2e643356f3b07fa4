"""What a training run is made of: one frozen configuration, its presets and its overrides."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import ConfigurationError

Count = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Precision = Literal["auto", "float32", "mixed_bfloat16"]


class Configuration(BaseModel):
    """Everything that decides a run; the defaults are the `dcgan` preset's."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: Literal["dcgan"] = "dcgan"
    data: Literal["fashion-mnist"] = "fashion-mnist"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Count = 50
    buffer_size: Count = 60_000
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 256
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 100
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-4
    beta_1: Beta = 0.9
    beta_2: Beta = 0.999
    precision: Precision = "auto"
    checkpoint_epochs: Count = 1
    checkpoints_kept: Annotated[int, Field(ge=1, le=1000)] = 3
    sample_epochs: Count = 1


PRESETS: Mapping[str, Configuration] = MappingProxyType(
    {
        # https://www.tensorflow.org/tutorials/generative/dcgan: BUFFER_SIZE 60000,
        # BATCH_SIZE 256, EPOCHS 50, noise_dim 100, Adam(1e-4) for both networks.
        "dcgan": Configuration(preset="dcgan"),
    }
)


def find_preset(name: str) -> Configuration:
    """Return the preset called `name`; raise ConfigurationError with the nearest name otherwise."""
    if name in PRESETS:
        return PRESETS[name]
    raise ConfigurationError(f"There is no preset '{name}'.{nearest(name, PRESETS)}")


def override(configuration: Configuration, assignments: Sequence[str]) -> Configuration:
    """Return `configuration` with each "key=value" put in; raise ConfigurationError on a bad one."""
    values = configuration.model_dump()
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ConfigurationError(f"'{assignment}' is not of the form key=value.")
        if key not in values:
            raise ConfigurationError(f"There is no setting '{key}'.{nearest(key, values)}")
        if key == "preset":
            raise ConfigurationError("The preset is chosen by --preset, not overridden.")
        values[key] = value
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, fault['loc']))}={fault['input']}: {fault['msg']}."
            for fault in error.errors()
        ]
        raise ConfigurationError(" ".join(lines)) from error


def nearest(word: str, known: Mapping[str, object]) -> str:
    """Return a sentence that names the nearest known word, or all of them if none is near."""
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" Did you mean '{matches[0]}'?" if matches else f" There are: {', '.join(known)}."

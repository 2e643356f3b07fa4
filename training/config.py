"""What a training run is made of: one frozen configuration, its presets and its overrides."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from training.errors import ConfigurationError
from training.shape import PictureSettings

Count = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
Precision = Literal["auto", "float32", "mixed_bfloat16"]


class Configuration(PictureSettings):
    """Everything that decides a run, as far as every preset has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: str
    data: str = "fashion-mnist"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Count = 50
    buffer_size: Count = 60_000
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 256
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 100
    precision: Precision = "auto"
    checkpoint_epochs: Count = 1
    checkpoints_kept: Annotated[int, Field(ge=1, le=1000)] = 3
    sample_epochs: Count = 1
    evaluation_epochs: Annotated[int, Field(ge=0)] = 2
    """The pictures are measured every so many epochs, and after the last; 0 never."""
    evaluation_images: Annotated[int, Field(ge=2, le=100_000)] = 5000
    features: str = ""
    """The feature network, a file in ONNX, to measure them with; the data's own unless given."""

    def count_batches(self, images: int) -> int:
        """Return how many batches an epoch of so many images has, the last one possibly smaller."""
        return -(-images // self.batch_size)


C = TypeVar("C", bound=Configuration)


class DcganConfiguration(Configuration):
    """The TensorFlow tutorial's: BUFFER_SIZE 60000, BATCH_SIZE 256, EPOCHS 50, noise_dim 100, Adam(1e-4).

    Source: https://www.tensorflow.org/tutorials/generative/dcgan.
    """

    preset: Literal["dcgan"] = "dcgan"
    learning_rate: Rate = 1e-4
    beta_1: Beta = 0.9
    beta_2: Beta = 0.999


class CholletConfiguration(Configuration):
    """The book's: 10,000 batches of 20 frogs (40 epochs of 5,000), latents of 32, RMSprop, noisy labels.

    Source: François Chollet, "Deep Learning with Python", 2017, 8.5.
    """

    preset: Literal["chollet"] = "chollet"
    data: str = "cifar10"
    epochs: Count = 40
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 20
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 32
    discriminator_learning_rate: Rate = 8e-4
    adversarial_learning_rate: Rate = 4e-4
    clip_value: Annotated[float, Field(gt=0.0)] = 1.0
    """No component of a gradient is larger than this."""
    decay: Fraction = 1e-8
    """A rate is divided by 1 plus this for each step so far."""
    label_noise: Fraction = 0.05


class ModernConfiguration(Configuration):
    """Class-conditional, with the losses and averages of the last years; see `training.modern`."""

    preset: Literal["modern"] = "modern"
    epochs: Count = 16
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 64
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 64
    checkpoints_kept: Annotated[int, Field(ge=1, le=1000)] = 4
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=16)] = 128
    """Channels of the generator's smallest features."""
    detailed: bool = True
    """Both networks have a layer more at full size, and the latent bends every layer of the generator."""
    learning_rate: Rate = 2e-3
    warm_up_steps: Annotated[int, Field(ge=0)] = 100
    beta_1: Beta = 0.0
    beta_2: Beta = 0.99
    penalty: Weight = 0.05
    """Gamma: half of it weighs the squared gradient of the logit at real, half at generated pictures."""
    penalty_interval: Count = 8
    """The penalty is computed every so many steps, and weighs so many times as much."""
    hold: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    """For this share of what comes before the settling the learning rate stays; then it falls, linearly."""
    final_rate: Fraction = 0.02
    """What is left of the learning rate at the end of that."""
    settle: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    """For this last share of the run the networks settle; see `training.modern.schedule`."""
    matching: Weight = 100.0
    """While they do, generated pictures are pulled so much towards the mean of their class, as an observer
    sees it; 0, or pictures of one class: there is none. See `training.modern.class_means`."""
    observer_share: Fraction = 0.125
    """For this first share of the run the observer learns."""
    average_decay: Beta = 0.998
    average_delay: Annotated[float, Field(gt=1.0)] = 10.0
    """After n steps the decay is at most (1 + n) / (this + n): the smaller, the more steps are averaged."""
    classifier_epochs: Annotated[int, Field(ge=0)] = 4
    """For so many epochs a classifier learns beside the GAN, and the discriminator judges by what it sees
    too; 0, or pictures of one class: there is none."""
    augmentation: Fraction | Literal["auto"] = "auto"
    """How often a picture's colours, place and squares are changed before it is judged; `auto`: often
    where there are few pictures, never where there are many."""


EARLIER: Mapping[str, float] = MappingProxyType(
    {
        "detailed": False,
        "hold": 0.5,
        "final_rate": 0.0,
        "settle": 0.0,
        "matching": 0.0,
        "average_delay": 20.0,
        "classifier_epochs": 0,
    }
)
"""What a run of `modern` went with that does not say: it is from before these could be set."""

AnyConfiguration = DcganConfiguration | CholletConfiguration | ModernConfiguration
ANY_CONFIGURATION: TypeAdapter[AnyConfiguration] = TypeAdapter(
    Annotated[AnyConfiguration, Field(discriminator="preset")]
)
PRESETS: Mapping[str, AnyConfiguration] = MappingProxyType(
    {"dcgan": DcganConfiguration(), "chollet": CholletConfiguration(), "modern": ModernConfiguration()}
)


def find_preset(name: str) -> AnyConfiguration:
    """Return the preset called `name`; raise ConfigurationError with the nearest name otherwise."""
    if name in PRESETS:
        return PRESETS[name]
    raise ConfigurationError(f"There is no preset '{name}'.{nearest(name, PRESETS)}")


def override(configuration: C, assignments: Sequence[str]) -> C:
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
        return type(configuration).model_validate(values)
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors():  # a field that takes one of two kinds has a fault for each
            faults.setdefault(f"{fault['loc'][0]}={fault['input']}", []).append(fault["msg"])
        lines = [f"{given}: {', or '.join(messages)}." for given, messages in faults.items()]
        raise ConfigurationError(" ".join(lines)) from error


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known word, or all of them if none is near."""
    words = list(known)
    matches = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f" Did you mean '{matches[0]}'?" if matches else f" There are: {', '.join(words)}."

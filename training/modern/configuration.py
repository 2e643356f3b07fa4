"""The settings of the preset `modern`, and what its runs went with before each could be set."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from training.config import Beta, Configuration, Count, Fraction, Rate, Weight

AUTO = 0
"""What a count is before it is chosen; it is written `auto`."""


def read_count(given: object) -> object:
    """Take the word of a command line for a count that is still to be chosen."""
    if isinstance(given, str) and given.strip() == "0":
        raise ValueError("a whole number from 1, or auto")
    return AUTO if given == "auto" else given


def require_pair(count: int) -> int:
    """Refuse a batch of one: statistics of one picture are none."""
    if count == 1:
        raise ValueError("a whole number from 2, or auto")
    return count


class ModernConfiguration(Configuration):
    """Class-conditional, with the losses and averages of the last years; see `training.modern`.

    What is `auto` goes by the size of the pictures and by how many there are: `training.modern.automatic`.
    """

    preset: Literal["modern"] = "modern"
    epochs: Annotated[int, Field(ge=0), BeforeValidator(read_count)] = AUTO
    batch_size: Annotated[
        int, Field(ge=0, le=65_536), BeforeValidator(read_count), AfterValidator(require_pair)
    ] = AUTO
    checkpoint_epochs: Annotated[int, Field(ge=0), BeforeValidator(read_count)] = AUTO
    sample_epochs: Annotated[int, Field(ge=0), BeforeValidator(read_count)] = AUTO
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 64
    checkpoints_kept: Annotated[int, Field(ge=1, le=1000)] = 4
    residual: bool | Literal["auto"] = "auto"
    """Networks of residual blocks; `auto`: above 32 pixels a side, and for rectangles."""
    width: Annotated[int, Field(ge=0, le=1024, multiple_of=16), BeforeValidator(read_count)] = AUTO
    """Channels of the smallest features: the capacity of both residual networks, and of a plain generator.
    `auto`: 128, but 64 for residual networks that a processor trains."""
    detailed: bool = True
    """Plain networks have a layer more at full size, and the latent bends every layer of the generator."""
    learning_rate: Rate | Literal["auto"] = "auto"
    warm_up_steps: Annotated[int, Field(ge=0)] = 100
    beta_1: Beta = 0.0
    beta_2: Beta = 0.99
    penalty: Weight | Literal["auto"] = "auto"
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
    average_decay: Beta | Literal["auto"] = "auto"
    average_delay: Annotated[float, Field(gt=1.0)] = 10.0
    """After n steps the decay is at most (1 + n) / (this + n): the smaller, the more steps are averaged."""
    classifier_epochs: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """For so many epochs a classifier learns beside the GAN, and the discriminator judges by what it sees
    too; 0, or pictures of one class: there is none."""
    augmentation: Fraction | Literal["auto", "adaptive"] = "auto"
    """How often pictures are changed before they are judged. A number: their colours, place and squares,
    always so often. `adaptive`: form and colours, as often as the discriminator shows that it knows the
    pictures by heart. `auto`: one of the two where there are few pictures, never where there are many."""
    mirror: bool | Literal["auto"] = "auto"
    """Whether `adaptive` may mirror pictures; `auto`: where the set mirrored is like the set."""


EARLIER: Mapping[str, object] = MappingProxyType(
    {
        "detailed": False,
        "hold": 0.5,
        "final_rate": 0.0,
        "settle": 0.0,
        "matching": 0.0,
        "average_delay": 20.0,
        "classifier_epochs": 0,
        "residual": False,
        "mirror": False,
    }
)
"""What a run of `modern` went with that does not say: it is from before these could be set."""

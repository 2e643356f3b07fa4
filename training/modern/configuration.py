"""The settings of the preset `modern`, and what its runs went with before each could be set."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from training.config import Beta, Configuration, Count, Fraction, Rate, Weight


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


EARLIER: Mapping[str, object] = MappingProxyType(
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

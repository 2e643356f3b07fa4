"""The settings of an encoder's training, and those that go by the size of the pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from foundation.projection import MAX_RATE, MAX_STEPS
from training.config import Count, Rate, Weight, read_auto

CHANGEABLE = frozenset({"steps", "refining_steps", "refining_rate", "pictures", "search_steps", "search_s"})
"""What may be another when the training goes on: its length, and what is measured afterwards."""


Chosen = BeforeValidator(read_auto)


class EncoderSettings(BaseModel):
    """What decides how an encoder learns, and how far a service then goes from its guess."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: Count = 4000
    """Batches, half of them drawings whose latents are known, half real pictures."""
    batch_size: Annotated[int, Field(ge=0, le=65_536), Chosen] = 0
    """`auto`: 64 up to 32 pixels a side, then 32 and 16."""
    learning_rate: Rate = 1e-3
    """Adam's; it falls to nothing along half a cosine."""
    channels: Annotated[int, Field(ge=0, le=1024), Chosen] = 0
    """Of the first features; they double with each halving, up to four times. `auto`: 32, and 16 of large
    pictures."""
    latent_weight: Weight = 0.1
    """Of the squared difference from a drawing's own latent, beside that of the pixels."""
    label_weight: Weight = 0.1
    """Of the cross entropy of the label, in nats."""
    length_weight: Weight = 0.1
    """Of latents longer than the generator was trained with."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    prior: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """The weight of the latent's mean square when a guess is refined."""
    refining_steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 8
    """How far a service goes from a guess; each costs two drawings."""
    refining_rate: Annotated[float, Field(ge=0.0, le=MAX_RATE), Chosen] = 0.0
    """How far the first step goes in each number of a latent, about, of a model whose pictures are too
    large to measure its curvature; `auto`: that of some which brings training pictures the nearest."""
    pictures: Annotated[int, Field(ge=1, le=10_000)] = 100
    """How many are measured."""
    search_steps: Annotated[int, Field(ge=1, le=100_000)] = 300
    search_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 60.0
    """How long a plain search from random latents goes on for comparison: so many steps, or seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where real pictures come from."""

    data: str | None
    """The name of a set; None for that which the release says it was trained on."""
    folder: Path | None = None


Size = tuple[int, int, int]

SIZES: tuple[Size, ...] = ((32, 64, 32), (64, 32, 32), (128, 16, 16), (1024, 16, 16))
"""Up to so many pixels a side: the batch, and the channels of the first features."""


def choose_settings(settings: EncoderSettings, side: int) -> EncoderSettings:
    """Return the settings with what goes by the pictures' longer side put in."""
    _, batch_size, channels = next(row for row in SIZES if side <= row[0])
    return settings.model_copy(
        update={
            "batch_size": settings.batch_size or batch_size,
            "channels": settings.channels or channels,
        }
    )

"""The settings of an enlarger's training, and those that go by the size of the pictures."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from training.config import Count, Fraction, Rate, Weight, read_auto

CHANGEABLE = frozenset({"steps", "pictures"})
"""What may be another when the training goes on: its length, and what is measured afterwards."""


class EnlargerSettings(BaseModel):
    """What decides how an enlarger learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: Count = 3000
    """Batches."""
    batch_size: Annotated[int, Field(ge=0, le=65_536), BeforeValidator(read_auto)] = 0
    """Of pairs; `auto`: 32 up to 64 pixels a side of the large ones, then 16 and 8."""
    learning_rate: Rate = 2e-3
    """Adam's; it falls to nothing along half a cosine."""
    channels: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 32
    """Of the features at the small size; at the large size three quarters of them."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 2
    """Residual blocks at the small size."""
    edges_weight: Weight = 1.0
    """Of what neighbouring pixels differ by, beside the pixels: what makes edges sharp."""
    drawn_share: Fraction = 0.25
    """Drawings, as a share of the pairs: made small again, they are to be what they were."""
    noise: Fraction = 0.04
    """Of the range of the levels: half of the small pictures are noisy by so much, as drawings are."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    pictures: Annotated[int, Field(ge=1, le=10_000)] = 200
    """How many are measured."""


BATCHES = ((64, 32), (128, 16), (1024, 8))
"""Up to so many pixels a side of the large pictures: the batch."""


def choose_settings(settings: EnlargerSettings, side: int) -> EnlargerSettings:
    """Return the settings with what goes by the large pictures' longer side put in."""
    batch_size = next(count for largest, count in BATCHES if side <= largest)
    return settings.model_copy(update={"batch_size": settings.batch_size or batch_size})

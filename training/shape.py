"""What the networks must know of the pictures before they can be built, and what may be asked of them."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_CLASS_ROWS = 12
"""Of a grid of samples, one for each class."""
CHUNK_PIXELS = 2**18
"""Of the pictures that are drawn at once, which take about a kilobyte a pixel."""


class PictureShape(BaseModel):
    """Pictures are uint8 (n, size, size, channels); the classes are named in the order of their numbers."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=8, le=1024)
    channels: int = Field(ge=1, le=3)
    class_names: tuple[str, ...] = ()


def read_channels(given: object) -> object:
    """Take the word of a command line for the number that it is."""
    return int(given) if isinstance(given, str) and given.isdecimal() else given


class PictureSettings(BaseModel):
    """How pictures are brought into shape; what is not set is as the set has it."""

    model_config = ConfigDict(frozen=True)

    size: int | None = Field(default=None, ge=8, le=1024)
    """Pixels, of either side; pictures that come in many sizes are 32 unless set."""
    channels: Annotated[Literal[1, 3] | None, BeforeValidator(read_channels)] = None
    """1 is grey, 3 is colour."""
    crop: Literal["centre", "none"] = "centre"
    """What becomes square: the middle of a picture, or all of it with white beside it."""
    held_out: float = Field(default=0.1, ge=0.0, lt=1.0)
    """The share that a set without a test split keeps for evaluation; 0: the training pictures serve."""


FASHION_MNIST_SHAPE = PictureShape(
    size=28,
    channels=1,
    class_names=(
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
)

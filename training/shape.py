"""What the networks must know of the pictures before they can be built, and what may be asked of them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_CLASS_ROWS = 12
"""Of a grid of samples, one for each class."""
CHUNK_PIXELS = 2**18
"""Of the pictures that are drawn at once, which take about a kilobyte a pixel."""


Side = Annotated[int, Field(ge=8, le=1024)]
Channels = Literal[1, 3, 4]
"""Grey, colour, or colour with transparency."""


class PictureShape(BaseModel):
    """Pictures are uint8 (n, height, width, channels); the classes are named in the order of their numbers.

    Of four channels the last is alpha, and the colours are straight, not multiplied by it.
    """

    model_config = ConfigDict(frozen=True)

    height: Side
    width: Side
    channels: Channels
    class_names: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _take_square(cls, data: Any) -> Any:
        """Take `size` for both sides, as runs from before there were rectangles wrote it."""
        if isinstance(data, dict) and "size" in data:
            rest = {name: value for name, value in data.items() if name != "size"}
            return {"height": data["size"], "width": data["size"], **rest}
        return data

    @property
    def pixels(self) -> int:
        """How many pixels a picture has."""
        return self.height * self.width

    @property
    def size(self) -> int:
        """The longer side, or either of a square."""
        return max(self.height, self.width)

    @property
    def setting(self) -> int | tuple[int, int]:
        """The sides as `size` is set: one of a square, or the width and the height."""
        return self.height if self.height == self.width else (self.width, self.height)

    @property
    def sides(self) -> str:
        """The sides as a person writes them: `96x64`, the width first."""
        return f"{self.width}x{self.height}"


def read_channels(given: object) -> object:
    """Take the word of a command line for the number that it is."""
    return int(given) if isinstance(given, str) and given.isdecimal() else given


def read_size(given: object) -> object:
    """Take `64` for a square and `96x64` for a width and a height; a rectangle of equal sides is a square.

    Raises:
        ValueError: it is neither, or a side is not from 8 to 1024.
    """
    words: Any = given.lower().replace("×", "x").split("x") if isinstance(given, str) else given
    sides = list(words) if isinstance(words, list | tuple) else [words]
    if sides == [None]:
        return None
    numbers = [int(side) for side in sides if isinstance(side, int) or str(side).strip().isdecimal()]
    if len(numbers) != len(sides) or len(sides) > 2 or not all(8 <= number <= 1024 for number in numbers):
        raise ValueError("a number such as 64, or a width and a height such as 96x64, either from 8 to 1024")
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


class PictureSettings(BaseModel):
    """How pictures are brought into shape; what is not set is as the set has it."""

    model_config = ConfigDict(frozen=True)

    size: Annotated[Side | tuple[Side, Side] | None, BeforeValidator(read_size)] = None
    """Pixels, of either side, or a width and a height; the pictures of a folder are 32 unless set."""
    channels: Annotated[Channels | None, BeforeValidator(read_channels)] = None
    """1 is grey, 3 is colour, 4 is colour with transparency."""
    crop: Literal["centre", "none"] = "centre"
    """What is taken: the middle of a picture, or all of it with white (of 4 channels: nothing) beside it."""
    held_out: float = Field(default=0.1, ge=0.0, lt=1.0)
    """The share that a set without a test split keeps for evaluation; 0: the training pictures serve."""

    def choose_sides(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that are set, or those given where none are."""
        if self.size is None:
            return height, width
        if isinstance(self.size, int):
            return self.size, self.size
        return self.size[1], self.size[0]


FASHION_MNIST_SHAPE = PictureShape(
    height=28,
    width=28,
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

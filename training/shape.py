"""What the networks must know of the pictures before they can be built."""

from pydantic import BaseModel, ConfigDict, Field


class PictureShape(BaseModel):
    """Pictures are uint8 (n, size, size, channels); the classes are named in the order of their numbers."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=8, le=1024)
    channels: int = Field(ge=1, le=3)
    class_names: tuple[str, ...] = ()


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

"""What a preset is: all that tells one from another, in the one object that its folder exports.

Nothing here, and nothing in a preset's `preset.py`, imports TensorFlow before networks are built: a wrong
option of the command line is refused, and a report written, without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from training.config import C, Configuration, Precision
from training.errors import ConfigurationError
from training.shape import PictureShape

if TYPE_CHECKING:
    from training.gan import GAN

BYTES_PER_PIXEL = 1_000


@dataclass(frozen=True, slots=True)
class LengthAdvice:
    """Batches of a whole run: below `few` the pictures cannot be good, and `good` are enough."""

    few: int
    good: int


@dataclass(frozen=True, slots=True)
class OneShape:
    """The rule of networks that draw pictures of one shape alone: `size` pixels a side, `channels` deep."""

    preset: str
    size: int
    channels: int

    def __call__(self, shape: PictureShape) -> None:
        """Raise ConfigurationError unless the pictures are of that shape."""
        if (shape.size, shape.channels) != (self.size, self.channels):
            drawn, given = (describe_shape(one.size, one.channels) for one in (self, shape))
            raise ConfigurationError(
                f"The preset '{self.preset}' draws {drawn} pictures; these are {given}. "
                f"Use --set size={self.size} --set channels={self.channels}."
            )


def describe_shape(size: int, channels: int) -> str:
    """Return `28x28 grey` or `32x32 colour`."""
    return f"{size}x{size} {'grey' if channels == 1 else 'colour'}"


def count_plain_bytes(_configuration: Configuration) -> int:
    """Return what a pixel of a batch takes in the training of small networks, in bytes."""
    return BYTES_PER_PIXEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset(Generic[C]):
    """A recipe with its networks, found by its name in `training.presets`."""

    defaults: C
    """The settings unless others are given; their class is the preset's configuration."""
    build: "Callable[[C, Precision, PictureShape, int], GAN]"
    """Builds the networks for pictures of a shape, in a run of so many batches in all."""
    require_drawable: Callable[[PictureShape], None]
    """Raises ConfigurationError or DataError for pictures that the networks cannot draw."""
    conditional: bool = False
    """Whether the generator takes a label where there are two classes or more."""
    many_devices: bool = True
    """Whether a step can be shared among several devices: what it draws, it draws for the global batch."""
    bears_arithmetic_rewrite: bool = True
    """Whether the graphs of its steps survive Grappler's arithmetic optimisation."""
    count_bytes: Callable[[C], int] = count_plain_bytes
    """What a pixel of a batch takes of the memory in training, in bytes."""
    earlier: Mapping[str, object] = field(default_factory=dict)
    """What a run went with whose config.json does not say: it is from before these could be set."""
    automatic: Mapping[str, Callable[[int], object]] = field(default_factory=dict)
    """What `auto` stands for in settings of its own, by how many pictures there are."""
    length: LengthAdvice | None = None
    """None: any length is as good as another."""

    @property
    def name(self) -> str:
        """What the preset is called."""
        return self.defaults.preset

    @property
    def configuration_class(self) -> type[C]:
        """The class of its configurations."""
        return type(self.defaults)

    def label_classes(self, shape: PictureShape) -> tuple[str, ...]:
        """Return the classes of the generator's label; none for one that takes the latent alone."""
        return shape.class_names if self.conditional and len(shape.class_names) > 1 else ()

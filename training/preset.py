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


def never() -> bool:
    """Say no."""
    return False


@dataclass(frozen=True, slots=True)
class PictureSet:
    """What settings are chosen by: how many pictures there are, their shape, and what they bear."""

    count: int
    shape: PictureShape
    bears_mirror: Callable[[], bool] = never
    """Looks at the pictures, which takes a while, and says whether they may be mirrored."""
    on_gpu: Callable[[], bool] = never
    """Says whether a GPU trains on them."""


@dataclass(frozen=True, slots=True)
class OneShape:
    """The rule of networks that draw pictures of one shape alone: `size` pixels a side, `channels` deep."""

    preset: str
    size: int
    channels: int

    def __call__(self, shape: PictureShape) -> None:
        """Raise ConfigurationError unless the pictures are of that shape."""
        if (shape.height, shape.width, shape.channels) != (self.size, self.size, self.channels):
            drawn, given = f"{self.size}x{self.size}", shape.sides
            raise ConfigurationError(
                f"The preset '{self.preset}' draws {drawn} {describe_colour(self.channels)} pictures; these "
                f"are {given} {describe_colour(shape.channels)}. "
                f"Use --set size={self.size} --set channels={self.channels}."
            )


def describe_shape(shape: PictureShape) -> str:
    """Return `28x28 grey` or `96x64 colour`, the width first."""
    return f"{shape.sides} {describe_colour(shape.channels)}"


def describe_colour(channels: int) -> str:
    """Return what pictures of so many channels are."""
    return {1: "grey", 3: "colour"}.get(channels, "colour with transparency")


def choose_nothing(_configuration: Configuration, _pictures: PictureSet) -> Mapping[str, object]:
    """Return nothing: a preset all of whose settings are given."""
    return {}


def count_plain_bytes(_configuration: Configuration, _shape: PictureShape) -> int:
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
    bears_float16: bool = False
    """Whether its losses are scaled where gradients are computed in float16."""
    count_bytes: Callable[[C, PictureShape], int] = count_plain_bytes
    """What a pixel of a batch takes of the memory in training, in bytes."""
    earlier: Mapping[str, object] = field(default_factory=dict)
    """What a run went with whose config.json does not say: it is from before these could be set."""
    choose_settings: Callable[[C, PictureSet], Mapping[str, object]] = choose_nothing
    """What each setting of its own that is still `auto` is to be for a set of pictures."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why it chooses such settings as it does, by their names."""
    few_batches: int = 0
    """Of a whole run: fewer cannot give good pictures. A preset that has it chooses `epochs` itself."""

    @property
    def name(self) -> str:
        """What the preset is called."""
        return self.defaults.preset

    @property
    def configuration_class(self) -> type[C]:
        """The class of its configurations."""
        return type(self.defaults)

    def advise_length(self, configuration: C, pictures: PictureSet) -> str:
        """Return the sentence on a run of too few batches: the length that is chosen unless one is set.

        Empty where there are enough of them.
        """
        per_epoch = configuration.count_batches(pictures.count)
        batches = configuration.epochs * per_epoch
        if batches >= self.few_batches:
            return ""
        unset = configuration.model_copy(update={"epochs": self.defaults.epochs})
        epochs = int(str(self.choose_settings(unset, pictures)["epochs"]))
        counted = "1 batch in all is" if batches == 1 else f"{batches:,} batches in all are"
        return (
            f"{counted} few for good pictures: --set epochs={epochs}, which is chosen unless it is set, "
            f"makes {epochs * per_epoch:,}."
        )

    def label_classes(self, shape: PictureShape) -> tuple[str, ...]:
        """Return the classes of the generator's label; none for one that takes the latent alone."""
        return shape.class_names if self.conditional and len(shape.class_names) > 1 else ()

"""`manifest.json`: everything a reader must know of a release before it opens a file of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from foundation.names import Name
from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, Projection

SCHEMA_VERSION = 1
"""A reader refuses a manifest with a greater number; fields it does not know within a number it ignores."""

MANIFEST_FILE = "manifest.json"
REFERENCE_GRAPH = "generator.onnx"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]

SeedScheme = Literal["philox-1", "numpy-randomstate-1"]
"""How a seed becomes a latent (`foundation.latents`): the number changes if a single bit of it does."""

Arithmetic = Literal["float", "exact"]
"""`float`: sums round, and in another order on another processor. `exact`: none rounds, on any."""

MAX_LICENCE = 500
"""Characters of what a release says of its licence."""

MAX_FLOAT32 = (2.0 - 2.0**-23) * 2.0**127
"""The largest number that float32 holds; bounds by it keep NaN and infinities out, too."""


def _require_utc(moment: datetime) -> datetime:
    """`moment`, which in UTC is one of the years that there are: HTTP has no other time (RFC 9110, 5.6.7)."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time in UTC from the year 1 to 9999") from None
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_require_utc)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What requests may have as well (`foundation.latents`, which reads this)."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LatentInput(_Part):
    """The input `latent`, float32 (n, size), and what seeds and truncation need to know of it."""

    size: int = Field(ge=1, le=65_536)
    distribution: Literal["normal", "uniform"] = "normal"
    scheme: SeedScheme = "philox-1"
    mean: tuple[Annotated[float, Field(ge=-MAX_FLOAT32, le=MAX_FLOAT32)], ...] | None = Field(
        default=None, fail_fast=True
    )
    """Where truncation pulls to, `size` numbers; the origin when absent."""

    @model_validator(mode="after")
    def _mean_has_the_size(self) -> Self:
        if self.mean is not None and len(self.mean) != self.size:
            raise ValueError(f"latent.mean has {len(self.mean)} numbers, latent.size says {self.size}")
        return self


class LabelInput(_Part):
    """The optional input `label`, float32 (n, classes), one weight per class."""

    classes: tuple[str, ...] = Field(fail_fast=True, min_length=2, max_length=10_000)


class ImageOutput(_Part):
    """The output `image`, uint8 (n, height, width, channels)."""

    height: int = Field(ge=1, le=8192)
    width: int = Field(ge=1, le=8192)
    channels: Literal[1, 3, 4]
    """Grey, colour, or colour with alpha last: straight, not multiplied by it."""


class File(_Part):
    """A file of the release; `device` and `precision` are set for graphs."""

    path: FilePath
    size_bytes: int = Field(ge=0)
    sha256: Sha256
    device: Literal["any", "cpu", "cuda", "tensorrt"] | None = None
    precision: Literal["float32", "float16", "bfloat16", "int8"] | None = None


class Difference(_Part):
    """How far one graph's images are from the exact ones, over the golden seeds."""

    max_levels: int = Field(ge=0, le=255)
    pixels_differing: float = Field(ge=0, le=1)
    """Share of the pixels that differ at all."""


class RecordedOn(_Part):
    """What computed the golden images: never which machine, only of which kind."""

    processor: str = Field(max_length=300, pattern=r"^[ -~]*$")
    """Its model and the instruction sets that decide how float sums round."""
    onnxruntime: str = Field(max_length=50, pattern=r"^[ -~]*$")


class GoldenCheck(_Part):
    """What the reference graph answered where it was made, and what a reader must get again."""

    seeds: tuple[Seed, ...] = Field(fail_fast=True, min_length=1, max_length=256)
    scheme: SeedScheme
    sha256: Sha256
    """Of the uint8 images' bytes, (n, height, width, channels) in C order."""
    images: FilePath | None = None
    """A `.npy` of those images, for measuring the difference on a processor that rounds otherwise."""
    variants: dict[FilePath, Difference] = Field(default_factory=dict)
    recorded_on: RecordedOn | None = None


class Manifest(_Part):
    """A release: one immutable version of one model."""

    schema_version: int = SCHEMA_VERSION
    name: Name
    version: Name
    created_at: Moment
    licence: str = Field(min_length=1, max_length=MAX_LICENCE)
    latent: LatentInput
    label: LabelInput | None = None
    image: ImageOutput
    files: tuple[File, ...] = Field(fail_fast=True, min_length=1, max_length=100)
    golden: GoldenCheck
    arithmetic: Arithmetic = "float"
    """With `exact` the golden check is equality, and every machine gives the same pixels."""
    training: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    projection: Projection | None = Field(default=None, exclude_if=lambda value: value is None)
    """How a picture is found in its latent space; absent where it has no encoder."""

    @model_validator(mode="before")
    @classmethod
    def _known_schema(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("schema_version"), int):
            version = data["schema_version"]
            if version > SCHEMA_VERSION:
                raise ValueError(
                    f"schema_version is {version}, this release of Ganymede reads up to {SCHEMA_VERSION}: "
                    "upgrade Ganymede"
                )
        return data

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("files names a path twice")
        if REFERENCE_GRAPH not in paths:
            raise ValueError(f"files lacks {REFERENCE_GRAPH}")
        if MANIFEST_FILE in paths:
            raise ValueError(f"files names {MANIFEST_FILE} itself")
        if self.golden.scheme != self.latent.scheme:
            raise ValueError("golden.scheme is not latent.scheme")
        for path in {self.golden.images, *self.golden.variants} - {None}:
            if path not in paths:
                raise ValueError(f"golden names {path}, which files lacks")
        for path in (ENCODER_GRAPH, GRADIENT_GRAPH) if self.projection else ():
            if path not in paths:
                raise ValueError(f"projection needs {path}, which files lacks")
        return self

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"

    def file(self, path: str) -> File | None:
        """The entry of the file at `path`, if the release has one."""
        return self._files_by_path.get(path)

    @cached_property
    def _files_by_path(self) -> dict[str, File]:
        return {file.path: file for file in self.files}


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a release before its graph has answered: whose it is, what it reads and draws."""

    name: str
    version: str
    latent: LatentInput
    image: ImageOutput
    label: LabelInput | None = None

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"


Described = Manifest | Outline
"""What it takes to draw seeds for a graph and to run it."""


def created_now() -> datetime:
    """The present moment in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)

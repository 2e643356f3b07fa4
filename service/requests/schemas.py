"""The bodies of requests, as pydantic models: shapes and ranges that need no model to be checked."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from foundation.latents import SEED_LIMIT

MAX_ROWS = 1_000_000  # the request's own limit, `MAX_IMAGES_PER_REQUEST`, is checked against the settings
_MAX_COLUMNS = 65_536  # a model's own, its latents' size and its classes, are checked when it is known

Seed = Annotated[StrictInt, Field(ge=0, lt=SEED_LIMIT)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A JSON number, whole or not, that float64 holds; no text and no bool."""


def _take_turns(row: tuple[float, ...]) -> tuple[float, ...]:
    """Any function of Python's: between two rows it lets other threads run, which pydantic alone does not."""
    return row


_TURNS = AfterValidator(_take_turns)
Row = Annotated[tuple[Number, ...], Field(min_length=1, max_length=_MAX_COLUMNS, fail_fast=True), _TURNS]
WeightsField = Annotated[tuple[Number, ...], Field(max_length=_MAX_COLUMNS, fail_fast=True), _TURNS]
LabelField = Annotated[StrictInt | StrictStr | WeightsField, Field(union_mode="left_to_right")]
Format = Literal["png", "jpeg", "webp", "zip", "npy", "json"]
WalkFormat = Literal["png", "gif", "apng", "webp", "mp4", "zip", "npy", "jpeg"]
Interpolation = Literal["slerp", "lerp", "spline"]
Easing = Literal["linear", "smooth"]


def _refuse_words(value: object) -> object:
    """Refuse what pydantic would take for a number: JSON has true and "2" for other things than numbers."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("int_type", "input should be a valid integer")
    return value


Whole = Annotated[int, BeforeValidator(_refuse_words)]
"""A whole number, also as JSON's `2.0`."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, description="`MODEL`, `MODEL@ALIAS` or `MODEL@VERSION`.")
    label: LabelField | None = Field(
        default=None, description="One class for all images: its name, its index, or a weight per class."
    )
    labels: tuple[LabelField, ...] | None = Field(
        default=None,
        max_length=MAX_ROWS,
        fail_fast=True,
        description="One class for each image or key point.",
    )
    truncation: Number = Field(
        default=1.0, gt=0, le=1, description="ψ: below 1, likelier and less varied images."
    )
    scale: Whole = Field(default=1, ge=1, le=64, description="Whole-number enlargement, each pixel repeated.")
    directions: dict[str, Annotated[Number, Field(ge=-1000, le=1000)]] | None = Field(
        default=None,
        max_length=64,
        description="Move every latent along these directions of the model, by number or name.",
    )

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if self.label is not None and self.labels is not None:
            raise refuse("labels", "give label or labels, not both")
        return self


def refuse(field: str, sentence: str) -> PydanticCustomError:
    """What to raise where fields do not go together, with the one that the answer is to name."""
    return PydanticCustomError("fields_together", "{sentence}", {"field": field, "sentence": sentence})


class MixPart(BaseModel):
    """A seed's share in a mix, or a latent's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: Seed | None = None
    latent: Row | None = Field(default=None, description="In a seed's place: such as one that was projected.")
    weight: Number = Field(default=1.0, ge=-100, le=100)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.seed is None) == (self.latent is None):
            raise refuse("mix", "each part has a seed or a latent, one of the two")
        return self


class GenerateRequest(_Body):
    """What to generate: images from `seed` on, or of these `seeds` or `latents`, or one image of a `mix`."""

    count: Whole | None = Field(default=None, ge=1, description="How many images; 16 when nothing else says.")
    seed: Seed | None = Field(
        default=None, description="Image i is the image of seed + i; random when absent."
    )
    seeds: tuple[Seed, ...] | None = Field(default=None, min_length=1, max_length=MAX_ROWS, fail_fast=True)
    latents: tuple[Row, ...] | None = Field(default=None, min_length=1, max_length=MAX_ROWS, fail_fast=True)
    mix: tuple[MixPart, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        fail_fast=True,
        description="Latent arithmetic: one image of the weighted sum of seeds' latents, or of given ones.",
    )
    columns: Whole | None = Field(default=None, ge=1, le=10_000, description="Of the grid; ⌈√n⌉ when absent.")
    padding: Whole = Field(default=0, ge=0, le=256, description="White pixels between the grid's images.")
    format: Format | None = Field(
        default=None, description="Goes before the `Accept` header; png without either."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("seeds", "latents", "mix") if getattr(self, name) is not None]
        sources = [*given, *(["seed or count"] if self.seed is not None or self.count is not None else [])]
        if len(sources) > 1:
            raise refuse(given[-1], f"give one of {' and '.join(sources)}, not both")
        if self.seed is not None and self.seed + (self.count or DEFAULT_COUNT) > SEED_LIMIT:
            raise refuse("seed", f"seed + count goes beyond the last seed, {SEED_LIMIT - 1}")
        return self


DEFAULT_COUNT = 16
"""Images of a request that says nothing of their number."""


_KEY_POINTS: dict[str, JsonValue] = {
    "if": {"required": ["seeds"], "properties": {"seeds": {"type": "array"}}},
    "then": {"properties": {"latents": {"type": "null"}}},
    "else": {"required": ["latents"], "properties": {"latents": {"type": "array"}}},
}
"""What a JSON schema can say of them: one of the two is a list. Tools make other types of `oneOf`."""


class WalkRequest(_Body):
    """A walk through latent space by way of two or more key points."""

    model_config = ConfigDict(json_schema_extra=_KEY_POINTS)

    seeds: tuple[Seed, ...] | None = Field(default=None, min_length=2, max_length=MAX_ROWS, fail_fast=True)
    latents: tuple[Row, ...] | None = Field(default=None, min_length=2, max_length=MAX_ROWS, fail_fast=True)
    frames: Whole = Field(default=60, ge=2, description="Frames of the whole walk.")
    interpolation: Interpolation = "slerp"
    loop: StrictBool = Field(default=False, description="Return to the first key point.")
    easing: Easing = "linear"
    fps: Whole = Field(default=30, ge=1, le=120, description="Frames a second; a GIF has at most 50.")
    stream: StrictBool = Field(
        default=False,
        description="Send it while it is made: mp4 in fragments, or each frame by itself as png or jpeg "
        "(`multipart/x-mixed-replace`), at `fps`.",
    )
    format: WalkFormat | None = Field(
        default=None,
        description="Goes before the `Accept` header; without either png, a filmstrip, or mp4 of a `stream`.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.seeds is None) == (self.latents is None):
            field = "seeds" if self.seeds is None else "latents"
            raise refuse(field, "give the key points as seeds or as latents, one of the two")
        if self.frames < self.key_points:
            raise refuse("frames", f"must be at least the number of key points, {self.key_points}")
        return self

    @property
    def key_points(self) -> int:
        """How many key points the walk has."""
        return len(self.seeds or self.latents or ())

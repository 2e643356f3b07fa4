"""The body of a request for projections."""

import base64
import binascii
import re
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from foundation.projection import MAX_STEPS
from service.requests.schemas import MAX_ROWS, Format, LabelField, Whole, refuse

_DATA_ADDRESS = re.compile(r"data:[^,]{0,200};base64,")
"""What a browser's `FileReader` puts before the base64 (RFC 2397)."""


def _read_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    if match := _DATA_ADDRESS.match(value):
        value = value[match.end() :]
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise PydanticCustomError("base64", "is no base64 of a picture's file") from None


Photo = Annotated[
    bytes,
    BeforeValidator(_read_base64),
    Field(min_length=1),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 4}),
]


class ProjectRequest(BaseModel):
    """Which pictures to find in a model's latent space."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, description="`MODEL`, `MODEL@ALIAS` or `MODEL@VERSION`.")
    version: str | None = Field(default=None, description="Beside a `model` that names none.")
    pictures: tuple[Photo, ...] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        fail_fast=True,
        description="Files in PNG, JPEG, WebP, GIF or BMP, in base64; a data address may be given as well.",
    )
    label: LabelField | None = Field(
        default=None, description="Look in this class alone: its name, its index, or a weight per class."
    )
    labels: tuple[LabelField, ...] | None = Field(
        default=None, max_length=MAX_ROWS, fail_fast=True, description="The same for each picture."
    )
    steps: Whole | None = Field(
        default=None,
        ge=0,
        le=MAX_STEPS,
        description="Of gradient descent after the encoder's guess; the release says how many, unless given.",
    )
    scale: Whole = Field(default=1, ge=1, le=64, description="Whole-number enlargement of what is drawn.")
    columns: Whole | None = Field(default=None, ge=1, le=10_000, description="Of the grid; ⌈√n⌉ when absent.")
    padding: Whole = Field(default=0, ge=0, le=256, description="White pixels between the grid's images.")
    format: Format | None = Field(
        default=None, description="Goes before the `Accept` header; json without either."
    )

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if self.label is not None and self.labels is not None:
            raise refuse("labels", "give label or labels, not both")
        if self.version is not None and self.model is None:
            raise refuse("version", "give the model's name as model, too")
        if self.version is not None and "@" in (self.model or ""):
            raise refuse("version", "the model names a version or an alias already")
        return self

    @property
    def reference(self) -> str | None:
        """The model and its version, as other requests name them."""
        return self.model if self.version is None else f"{self.model}@{self.version}"

"""The JSON that answers hold, as OpenAPI describes it under names of its own; answers are not built by it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from foundation.manifest import Arithmetic


class Alias(BaseModel):
    """Where an alias points, and where it pointed before."""

    version: str
    previous: str | None = None


class LoadedVersion(BaseModel):
    """What a version in memory is to this machine."""

    arithmetic: Arithmetic
    same_bytes_here: bool = Field(description="Whether its golden check gave the recorded bytes.")
    projection: bool = Field(
        default=False, description="Whether it finds pictures in its latent space: `POST /project`."
    )


class Model(BaseModel):
    """A model of the store."""

    name: str
    versions: list[str] = Field(description="The oldest first.")
    aliases: dict[str, Alias] = Field(description="By name; `production` is what the name alone means.")
    loaded: dict[str, LoadedVersion] = Field(description="The versions in this process's memory.")
    error: str = Field(default="", description="What is wrong with it, where something is.")


class ModelList(BaseModel):
    """The models of the store."""

    default: str | None = Field(description="What a request without `model` means.")
    models: list[Model]


class StoreState(BaseModel):
    """The store as the service last found it."""

    reachable: bool
    error: str = Field(default="", description="Why it cannot be reached.")


class Readiness(BaseModel):
    """A service that is ready."""

    status: Literal["ready"]
    model: str = Field(description="The default model's version: `NAME@VERSION`.")
    arithmetic: Arithmetic
    same_bytes_here: bool
    store: StoreState
    refused: dict[str, str] = Field(default={}, description="Releases that are not served, and why.")


class Liveness(BaseModel):
    """A process that runs."""

    status: Literal["live"]


class GeneratedImage(BaseModel):
    """One picture of a JSON answer."""

    seed: int | None = Field(default=None, description="Where it has one.")
    label: Any = Field(default=None, description="Its class, or its classes' weights, where it has any.")
    png: str = Field(
        description="The PNG file.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/png"},
    )


class GeneratedImages(BaseModel):
    """The answer of `/generate` in the format `json`."""

    model: str = Field(description="The version that drew: `NAME@VERSION`.")
    images: list[GeneratedImage]


class ProjectedImage(BaseModel):
    """Where one picture is in latent space, and what is drawn there."""

    latent: list[float] = Field(description="What `latents` of other requests takes.")
    label: list[float] | None = Field(
        default=None, description="A weight for each class, where the model has any; `labels` takes it."
    )
    distance: float = Field(
        ge=0, description="The mean square of what is drawn less the picture, in pixels from -1 to 1."
    )
    png: str = Field(
        description="What is drawn there, as a PNG file.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/png"},
    )


class ProjectedImages(BaseModel):
    """The answer of `/project` in the format `json`."""

    model: str = Field(description="The version that looked and drew: `NAME@VERSION`.")
    steps: int = Field(description="Of gradient descent that were taken.")
    classes: list[str] | None = Field(default=None, description="In the order of the weights in `label`.")
    images: list[ProjectedImage]

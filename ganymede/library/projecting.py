"""Projections: the pictures that are sent, the requests that they take, and what comes back."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import httpx
import numpy as np
from PIL import Image

from foundation.errors import BodyTooLarge, InvalidField
from foundation.images import Images
from ganymede.library.answers import Pictures
from ganymede.library.errors import ServiceFailed, WrongUse
from ganymede.library.orders import Fields, Portions, ProjectionFields, check_names, list_labels

Picture: TypeAlias = str | Path | bytes | Image.Image
"""A picture's file by its path, its bytes, or Pillow's own."""

_MOST_AT_ONCE = 16
_FILE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16")
"""Pillow's, of what a PNG file holds."""
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Projections(Pictures):
    """What a model draws where it finds pictures; `latents` (and `labels`) go back into other requests."""

    latents: Sequence[Sequence[float]]
    distances: Sequence[float]
    """The mean square of each drawing less its picture, in pixels from -1 to 1."""
    labels: Sequence[Sequence[float]] | None = None
    """A weight for each class, where the model has any."""
    classes: Sequence[str] | None = None


class ProjectionOrder:
    """Pictures to be found, however many requests that takes."""

    def __init__(
        self,
        pictures: Picture | Iterable[Picture],
        model: str | None,
        **asked: Unpack[ProjectionFields],
    ) -> None:
        """One picture, or several.

        Raises:
            WrongUse: a file cannot be read, there is no picture, or labels are not as many.
            TypeError: there is no such field.
        """
        fields = check_names(asked, ProjectionFields)
        given = [pictures] if isinstance(pictures, str | Path | bytes | Image.Image) else list(pictures)
        self.files = [read_file(picture) for picture in given]
        if not self.files:
            raise WrongUse("There is no picture: give one or more.")
        self._labels = list_labels(fields.pop("labels", None), len(self.files))
        self._fields = {
            name: value for name, value in {"model": model, **fields}.items() if value is not None
        }
        self.portions = Portions(len(self.files), _MOST_AT_ONCE)
        self._parts: list[Projections] = []

    def body(self, start: int, stop: int) -> Fields:
        """The request for the pictures from `start` to `stop`."""
        texts = [base64.b64encode(content).decode() for content in self.files[start:stop]]
        body: dict[str, Any] = {**self._fields, "pictures": texts}
        if self._parts:
            body["model"] = self._parts[0].model  # that nothing changes between two requests
        if self._labels is not None:
            body["labels"] = self._labels[start:stop]
        return body

    def ask_for_less(self, error: BodyTooLarge | InvalidField) -> None:
        """Have fewer pictures in the next request, if that is why one was refused; else raise `error`."""
        if not self.portions.shrink(error.field if isinstance(error, InvalidField) else "pictures"):
            raise error

    def take(self, answer: httpx.Response, count: int) -> None:
        """Keep the answer to the request for the next `count`.

        Raises:
            ServiceFailed: it is no such answer.
        """
        self._parts.append(read_projections(answer))
        self.portions.take(count)

    def finish(self) -> Projections:
        """All that was found, from one request or many."""
        first, *_ = parts = self._parts
        return Projections(
            np.concatenate([part.array for part in parts]),
            None,
            first.model,
            [latent for part in parts for latent in part.latents],
            [distance for part in parts for distance in part.distances],
            None if first.labels is None else [label for part in parts for label in part.labels or ()],
            first.classes,
        )


def read_file(picture: Picture) -> bytes:
    """The file of a picture; one of Pillow's is written as PNG, which loses nothing.

    Raises:
        WrongUse: there is no such file.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, Image.Image):
        file = io.BytesIO()
        kept = picture if picture.mode in _FILE_MODES else picture.convert("RGB")
        exif = Image.Exif()
        if (orientation := picture.getexif().get(_ORIENTATION)) is not None:
            exif[_ORIENTATION] = orientation
        kept.save(file, "PNG", exif=exif)
        return file.getvalue()
    try:
        return Path(picture).expanduser().read_bytes()
    except OSError as error:
        raise WrongUse(f"{picture} cannot be read: {error.strerror}.") from error


def read_projections(answer: httpx.Response) -> Projections:
    """What a service answered.

    Raises:
        ServiceFailed: it is something else.
    """
    try:
        told = answer.json()
        images = told["images"]
        classes = told.get("classes")
        return Projections(
            np.stack([_read_png(base64.b64decode(image["png"])) for image in images]),
            None,
            str(told["model"]),
            [[float(number) for number in image["latent"]] for image in images],
            [float(image["distance"]) for image in images],
            None if classes is None else [[float(each) for each in image["label"]] for image in images],
            None if classes is None else [str(name) for name in classes],
        )
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ServiceFailed(f"{answer.request.url} answered with what is no projection.") from error


def _read_png(content: bytes) -> Images:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
        pixels = np.asarray(picture, np.uint8)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]

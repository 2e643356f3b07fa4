"""A service's answers as the library's own objects."""

import io
from collections.abc import Sequence

import httpx
import numpy as np

from foundation.images import Images
from ganymede.library.answers import Model, Pictures, Walk
from ganymede.library.errors import ServiceFailed
from ganymede.library.orders import PictureOrder


def read_array(answer: httpx.Response) -> Images:
    """The pixels of an answer in the format `npy`, uint8 (n, height, width, channels).

    Raises:
        ServiceFailed: it is something else.
    """
    try:
        array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    except ValueError as error:
        raise ServiceFailed(f"{answer.request.url} answered with what is no array of pixels.") from error
    if array.dtype != np.uint8 or array.ndim != 4:
        raise ServiceFailed(f"{answer.request.url} answered with {array.dtype} {array.shape}, no pictures.")
    pixels: Images = array
    return pixels


def join_pictures(order: PictureOrder, arrays: Sequence[Images], model: str) -> Pictures:
    """All that was asked for, from one request or many."""
    array = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return Pictures(array, order.seeds, model)


def name_model(answer: httpx.Response) -> str:
    """The version that drew."""
    return str(answer.headers.get("x-model", ""))


def read_walk(answer: httpx.Response, format: str, seeds: Sequence[int] | None) -> Walk:
    """A walk's file."""
    return Walk(answer.content, format, seeds, name_model(answer))


def read_models(answer: httpx.Response) -> list[Model]:
    """The models that a service lists.

    Raises:
        ServiceFailed: it is no such list.
    """
    try:
        listed = answer.json()
        default = str(listed["default"] or "").partition("@")[0]
        return [
            Model(
                name=str(each["name"]),
                versions=[str(version) for version in each["versions"]],
                aliases={str(name): str(entry["version"]) for name, entry in each["aliases"].items()},
                is_default=each["name"] == default,
                error=each.get("error"),
            )
            for each in listed["models"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceFailed(f"{answer.request.url} answered with what is no list of models.") from error

"""What is asked for, as the bodies of requests: those of a service and those of a store are the same."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import numpy as np
import orjson

from foundation.latents import SEED_LIMIT
from foundation.whole import read_whole
from ganymede.library.errors import WrongUse

DEFAULT_COUNT = 16
REQUEST_IMAGES = 256
"""Of a request, until a service says that it takes less."""

Fields = dict[str, Any]
Label = str | int | Sequence[float]
"""A class by its name or index, or a weight for each class."""


class PictureFields(TypedDict, total=False):
    """What pictures are asked for by, beside a model and seeds; as the API has them."""

    count: int | None
    latents: Sequence[Sequence[float]] | None
    mix: Sequence[Mapping[str, float]] | None
    label: Label | None
    labels: Sequence[Label] | None
    directions: Mapping[str, float] | None
    truncation: float | None
    scale: int | None


class WalkFields(TypedDict, total=False):
    """What a walk is asked for by, beside a model, seeds and a format."""

    latents: Sequence[Sequence[float]] | None
    frames: int | None
    fps: int | None
    loop: bool | None
    interpolation: str | None
    easing: str | None
    label: Label | None
    labels: Sequence[Label] | None
    truncation: float | None
    scale: int | None


class ProjectionFields(TypedDict, total=False):
    """What pictures are found by, beside themselves and a model."""

    label: Label | None
    labels: Sequence[Label] | None
    steps: int | None


class PictureOrder:
    """Pictures to be made, however many requests that takes."""

    def __init__(
        self,
        model: str | None,
        seeds: Sequence[int] | None,
        **asked: Unpack[PictureFields],
    ) -> None:
        """Seeds or latents, or `count` of them at random.

        Raises:
            WrongUse: two are given, seeds are no whole numbers, or labels are not as many as pictures.
            TypeError: there is no such field.
        """
        fields = check_names(asked, PictureFields)
        count, latents, labels = (fields.pop(name, None) for name in ("count", "latents", "labels"))
        mix = fields.get("mix")
        given = [
            name
            for name, value in (("seeds", seeds), ("latents", latents), ("count", count), ("mix", mix))
            if value is not None
        ]
        if len(given) > 1:
            raise WrongUse(f"Give {' or '.join(given)}, not both.")
        if not given or count is not None:
            number = read_whole(DEFAULT_COUNT if count is None else count)
            if number is None or not 1 <= number <= SEED_LIMIT:
                raise WrongUse(f"count={count!r:.60}: ask for one picture or more.")
            first = secrets.randbelow(SEED_LIMIT - number + 1)
            seeds = range(first, first + number)
        self._name = "seeds" if seeds is not None else "latents"
        rows = read_seeds(seeds) if seeds is not None else latents
        self.rows: list[Any] | None = None if rows is None else list(rows)
        if self.rows is not None and not self.rows:
            raise WrongUse(f"{self._name} is empty: give one or more.")
        self.seeds = self.rows if seeds is not None else None
        self._labels = list_labels(labels, None if self.rows is None else len(self.rows))
        self._fields = {
            name: value for name, value in {"model": model, **fields}.items() if value is not None
        }

    @property
    def count(self) -> int:
        """How many pictures it is."""
        return 1 if self.rows is None else len(self.rows)

    def body(self, start: int, stop: int) -> Fields:
        """The request for the pictures from `start` to `stop`."""
        body = dict(self._fields)
        if self.rows is not None:
            body[self._name] = self.rows[start:stop]
        if self._labels is not None:
            body["labels"] = self._labels[start:stop]
        return body


class Portions:
    """Pictures a request at a time: fewer in each once one is refused for their number."""

    def __init__(self, count: int, most: int = REQUEST_IMAGES) -> None:
        self._count, self.most = count, most
        self._done = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """From where to where the next request goes, until all are there."""
        while self._done < self._count:
            yield self._done, min(self._done + self.most, self._count)

    def take(self, count: int) -> None:
        """Note that so many more are there."""
        self._done += count

    def shrink(self, field: str) -> bool:
        """Ask for half as many at once, if `field` can be refused for their number; whether that goes."""
        if field not in ("seeds", "latents", "count", "scale", "pictures") or self.most == 1:
            return False
        self.most = min(self.most, self._count - self._done) // 2 or 1
        return True


def write_body(fields: Fields) -> bytes:
    """Fields as JSON, NumPy's arrays and numbers among them.

    Raises:
        WrongUse: one is nothing that JSON has.
    """
    try:
        return orjson.dumps(fields, default=_write_array)
    except TypeError as error:
        raise WrongUse(f"A field is nothing that can be sent: {error.__cause__ or error}.") from None


def _write_array(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{value!r:.60}")


def write_walk(
    model: str | None, seeds: Sequence[int] | None, format: str, **asked: Unpack[WalkFields]
) -> Fields:
    """The body of a request for a walk; what is None is left out.

    Raises:
        WrongUse: seeds are no whole numbers.
        TypeError: there is no such field.
    """
    keys = None if seeds is None else read_seeds(seeds)
    given = {"model": model, "seeds": keys, **check_names(asked, WalkFields), "format": format}
    return {name: value for name, value in given.items() if value is not None}


def read_seeds(seeds: object) -> list[int]:
    """Whole numbers, Python's or NumPy's, as Python's.

    Raises:
        WrongUse: they are something else; a number with a fraction would be the seed of another picture.
    """
    if isinstance(seeds, str | bytes) or not isinstance(seeds, Iterable):
        raise WrongUse(f"seeds={seeds!r:.60}: give whole numbers in a list or a range: [7], or range(16).")
    read: list[int] = []
    for seed in seeds:
        whole = read_whole(seed)
        if whole is None:
            raise WrongUse(f"Seed {seed!r:.60}: seeds are whole numbers.")
        read.append(whole)
    return read


def list_labels(labels: Sequence[Label] | None, count: int | None) -> list[Label] | None:
    """Labels of `count` pictures, where it is known how many there are.

    Raises:
        WrongUse: they are not as many.
    """
    listed = None if labels is None else list(labels)
    if listed is not None and count is not None and len(listed) != count:
        raise WrongUse(f"Give a label for each picture: {count}, not {len(listed)}.")
    return listed


def check_names(asked: Mapping[str, Any], known: type) -> Fields:
    """What is asked for, whose names are those of `known`: as Python has it of any argument."""
    for name in asked:
        if name not in known.__annotations__:
            raise TypeError(f"'{name}' is no such field; there are {', '.join(known.__annotations__)}")
    return dict(asked)

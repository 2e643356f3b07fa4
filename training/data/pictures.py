"""A set of pictures, what is asked of a source, and how a part is held out of a set without a test split."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from training.data.record import SetRecord
from training.errors import DataError
from training.shape import PictureSettings, PictureShape

Split = Literal["train", "test"]

SHUFFLE_SEED = 0
MAX_HELD_OUT = 10_000


@dataclass(frozen=True, slots=True)
class Pictures:
    """A set: images uint8 (n, height, width, channels) in 0 to 255, labels (n,), whole numbers.

    The images may lie in a file (`numpy.memmap`); take them in batches. Labels are 0 without classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    shape: PictureShape
    record: SetRecord | None = None
    """Of the whole set, made when it was prepared; None for one that is held in memory."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a source."""

    value: str
    """What stands after the source's name and a colon; empty without."""
    folder: Path | None
    """Where its files lie, if not at their usual place."""
    split: Split
    settings: PictureSettings
    console: Console
    """Where progress is shown and what was skipped is said."""

    def with_nothing_held_out(self) -> "Request":
        """Return the request for a set that has its own test split."""
        return replace(self, settings=self.settings.model_copy(update={"held_out": 0.0}))


def shuffle_order(count: int) -> NDArray[np.int64]:
    """Return the order, int64 (count,), in which a set that lies sorted is taken: always the same."""
    return np.random.Generator(np.random.Philox(SHUFFLE_SEED)).permutation(count)


def count_held_out(count: int, settings: PictureSettings) -> int:
    """Return how many pictures of a set of `count` without a test split are kept from training."""
    return min(round(count * settings.held_out), MAX_HELD_OUT)


def split_rows(count: int, settings: PictureSettings, split: Split) -> slice:
    """Return the rows of `split` in a set of `count` in `shuffle_order`: the last ones are held out.

    At most 10,000 are. With `held_out` 0 both splits are the whole set.

    Raises:
        DataError: nothing is left of a split.
    """
    held_out = count_held_out(count, settings)
    if not held_out:
        return slice(0, count)
    rows = slice(0, count - held_out) if split == "train" else slice(count - held_out, count)
    if rows.start == rows.stop:
        raise DataError(
            f"Of {count} pictures {held_out} are held out for evaluation, and none is left to train on. "
            "Add pictures, or choose --set held_out=0."
        )
    return rows

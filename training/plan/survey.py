"""A set looked through, without training: how many pictures, how large, of which classes, what is wrong."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from training.activity import counting, doing
from training.data.decoding import DECODERS, PROGRAMS, PictureFile, decode_file, is_grey
from training.data.folder import list_files
from training.data.layout import Layout
from training.data.listing import open_file, show_name
from training.data.order import sort_naturally
from training.data.pictures import Pictures
from training.errors import DataError
from training.plan.duplicates import Duplicates, find_duplicates
from training.plan.hashing import SIDE, hash_picture, make_thumbnail
from training.shape import PictureSettings

DAMAGED_NAMED = 10
MOST_HASHED = 200_000
"""Of a larger set so many are compared with each other, drawn by lot: memory and time are bounded."""
LOOK = PictureSettings(size=SIDE, channels=3)
SEED = 4


class Sides(BaseModel):
    """The shorter sides of the pictures, pixels."""

    model_config = ConfigDict(frozen=True)

    smallest: int
    median: int
    largest: int


class Survey(BaseModel):
    """What is in a set."""

    model_config = ConfigDict(frozen=True)

    source: str
    count: int
    """Of the pictures to train on, before anything is held out."""
    test_count: int
    """Of a test part of the set's own; 0: a share is held out."""
    classes: dict[str, int]
    """With how many pictures each; none of a set without classes."""
    sides: Sides
    formats: dict[str, int]
    grey: bool
    transparent: int
    damaged_count: int = 0
    damaged: tuple[str, ...] = ()
    """The first few files that are left out, each with why."""
    duplicates: Duplicates
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What one file holds."""

    side: int
    format: str
    transparent: bool
    grey: bool
    hash: int
    thumbnail: NDArray[np.uint8]


def survey_folder(folder: Path, console: Console) -> Survey:
    """Look through the pictures of a folder, each decoded once; show a bar on a terminal.

    Raises:
        DataError: there is no such folder, or no picture in it.
    """
    layout = list_files(folder)
    files = [
        PictureFile(show_name(name), group, partial(open_file, folder / name))
        for name, group in (*layout.train, *layout.test)
    ]
    looks: list[Look] = []
    names: list[str] = []
    classes: Counter[str] = Counter()
    damaged: list[str] = []
    train_count = damaged_count = 0
    for index, (file, look) in enumerate(look_through(files, console)):
        if isinstance(look, str):
            damaged_count += 1
            if len(damaged) < DAMAGED_NAMED:
                damaged.append(f"{file.name} ({look})")
            continue
        looks.append(look)
        names.append(file.name)
        if index < len(layout.train):
            train_count += 1
            classes[file.class_name or ""] += 1
    if not train_count:
        raise DataError(f"{folder} holds no picture that can be read: {', '.join(damaged) or 'it is empty'}.")
    with doing(console, "Comparing the pictures with each other"):
        seen = describe_looks(layout, str(folder), names, looks, train_count, classes)
    return seen.model_copy(update={"damaged_count": damaged_count, "damaged": tuple(damaged)})


def describe_looks(
    layout: Layout, source: str, names: list[str], looks: list[Look], train_count: int, classes: Counter[str]
) -> Survey:
    """Put together what was seen, in the order of the files: those of the training part come first."""
    sides = sorted(look.side for look in looks)
    hashed = sorted(
        np.random.Generator(np.random.Philox(SEED)).permutation(len(looks))[:MOST_HASHED].tolist()
    )
    return Survey(
        source=f"folder:{source}",
        count=train_count,
        test_count=len(looks) - train_count,
        classes={name: classes[name] for name in sort_naturally(set(classes))} if len(classes) > 1 else {},
        sides=Sides(smallest=sides[0], median=sides[len(sides) // 2], largest=sides[-1]),
        formats=dict(Counter(look.format for look in looks).most_common()),
        grey=all(look.grey for look in looks),
        transparent=sum(look.transparent for look in looks),
        duplicates=find_duplicates(
            [names[index] for index in hashed],
            [looks[index].hash for index in hashed],
            np.stack([looks[index].thumbnail for index in hashed]),
            test_from=sum(index < train_count for index in hashed),
        ),
        notes=layout.notes,
    )


def look_through(files: Sequence[PictureFile], console: Console) -> Iterator[tuple[PictureFile, Look | str]]:
    """Yield each file with what it holds, or with why it is left out."""
    with (
        counting(console, "Looking at pictures", len(files)) as add,
        ThreadPoolExecutor(DECODERS) as pool,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.init()
        for first in range(0, len(files), 2 * DECODERS):
            chunk = files[first : first + 2 * DECODERS]
            yield from zip(chunk, pool.map(look_at, chunk), strict=True)
            add(len(chunk))


def look_at(file: PictureFile) -> Look | str:
    """Return what a file holds, decoded as for training, or why it is left out there."""
    pixels = decode_file(file, LOOK, [])  # profiles that cannot be used are said when it is trained
    if isinstance(pixels, str):
        return pixels
    formats = [name for name in Image.ID if name not in PROGRAMS]
    with file.open() as stream, Image.open(stream, formats=formats) as picture:
        side, kind = min(picture.size), picture.format or "unknown"
        transparent = has_transparency(picture)
    return Look(side, kind, transparent, is_grey(pixels), hash_picture(pixels), make_thumbnail(pixels))


def has_transparency(picture: Image.Image) -> bool:
    """Whether anything can be seen through: many programs write an alpha that is opaque everywhere."""
    if not picture.has_transparency_data:
        return False
    return picture.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def survey_pictures(source: str, train: Pictures, test: Pictures | None, console: Console) -> Survey:
    """Look through a set that is read whole: no file of it can be damaged alone."""
    with doing(console, "Comparing the pictures with each other"):
        return describe_pictures(source, train, test)


def describe_pictures(source: str, train: Pictures, test: Pictures | None) -> Survey:
    """Put together what is in a set that is read whole."""
    parts = [("number", train.images), *([("test number", test.images)] if test else [])]
    rows = [(name, part, row) for name, part in parts for row in range(len(part))][:MOST_HASHED]
    small = [enlarge(part[row]) for _, part, row in rows]
    counts = np.bincount(np.asarray(train.labels, np.int64), minlength=len(train.shape.class_names))
    side = train.shape.size
    return Survey(
        source=source,
        count=len(train.images),
        test_count=len(test.images) if test else 0,
        classes=dict(zip(train.shape.class_names, counts.tolist(), strict=False)),
        sides=Sides(smallest=side, median=side, largest=side),
        formats={"array": len(train.images)},
        grey=train.shape.channels == 1,
        transparent=0,
        duplicates=find_duplicates(
            [f"{name} {row}" for name, _, row in rows],
            [hash_picture(pixels) for pixels in small],
            np.stack([make_thumbnail(pixels) for pixels in small]),
            test_from=len(train.images),
        ),
    )


def enlarge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image uint8 (h, w, c), c 1 or 3, as uint8 (32, 32, 3)."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))

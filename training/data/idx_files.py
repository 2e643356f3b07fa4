"""The source `idx:PATH`: a file of pictures in MNIST's format, or a folder of such files under its names."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from foundation.home import expand_home
from training.data.arrays import PictureArray, load_array
from training.data.idx import open_unpacked, read_header, read_idx
from training.data.listing import require_file, stamp
from training.data.pictures import Pictures, Request, Split
from training.data.unknown import explain_missing
from training.errors import DataError

TEST_PREFIXES = ("t10k", "test")
RANKS = (3, 4)


def load_idx(request: Request) -> Pictures:
    """Prepare the pictures of IDX files, once, and return them; raise DataError where there are none."""
    path = expand_home(request.value) if request.value else request.folder
    if path is None:
        raise DataError("Which file or folder? Name it: --data idx:PATH.")
    images, own_split = find_images(path, request.split) if path.is_dir() else (path, False)
    labels = find_labels(images)
    array = PictureArray(
        name=str(images),
        shape=read_shape(images),
        open=partial(open_pixels, images),
        labels=read_idx(labels, dimensions=1) if labels else None,
        own_split=own_split,
    )
    stamps = [stamp(file.resolve()) for file in (images, labels) if file]
    return load_array(array, request, stamps)


def find_images(folder: Path, split: Split) -> tuple[Path, bool]:
    """Return a folder's file of pictures for a split, and whether it has another for the other split."""
    try:
        files = sorted(path for path in folder.iterdir() if "images" in path.name and path.is_file())
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from error
    tests = [path for path in files if path.name.startswith(TEST_PREFIXES)]
    others = [path for path in files if path not in tests]
    found = tests if tests and split == "test" else others
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder} should hold one file of pictures for '{split}', named as train-images-idx3-ubyte or "
            f"t10k-images-idx3-ubyte are (.gz or not); there is: {names}."
        )
    return found[0], bool(tests)


def find_labels(images: Path) -> Path | None:
    """Return the file of labels beside a file of pictures, or None."""
    name = images.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    bare = name.removesuffix(".gz")
    beside = (images.with_name(bare), images.with_name(f"{bare}.gz"))
    return next((path for path in beside if path != images and path.is_file()), None)


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the shape in a file's header; raise DataError unless it holds uint8 of rank 3 or 4."""
    try:
        with open_file(path) as stream:
            start = stream.read(4)
            rank = start[3] if len(start) == 4 and start[3] in RANKS else RANKS[0]
            return read_header(path, start + stream.read(4 * rank), rank)
    except FileNotFoundError as error:
        raise DataError(explain_missing(path, folders=False)) from error
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}). Fetch the file again.") from error


@contextmanager
def open_pixels(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of pictures behind its header."""
    with open_file(path) as stream:
        rank = stream.read(4)[3]
        stream.read(4 * rank)
        yield stream


def open_file(path: Path) -> BinaryIO:
    """Open a file, gzipped or not."""
    require_file(path)
    return open_unpacked(path)

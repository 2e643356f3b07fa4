"""Pictures that lie as one array in a file: read a few rows at a time into a prepared entry."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from training.activity import counting
from training.data.array_labels import Labels, advise_labels, note_unseen
from training.data.cache import prepared_entry
from training.data.folder import entry_key
from training.data.framing import frame_array
from training.data.layout import MAX_CLASSES
from training.data.listing import MAX_FILES
from training.data.pictures import Pictures, Request, shuffle_order
from training.data.prepared import Description, PictureWriter, open_prepared
from training.data.record import SetDigest
from training.errors import DataError
from training.shape import PictureShape

CHUNK_BYTES = 8 * 2**20
SMALLEST, LARGEST = 8, 1024
CHANNELS = (1, 3, 4)

ON_WHITE = (
    "These pictures have an alpha channel: they are laid on white and learnt in colour. "
    "--set channels=4 keeps what is transparent."
)


@dataclass(frozen=True, slots=True)
class PictureArray:
    """An array uint8 (n, h, w) or (n, h, w, c) in a file, c 1, 3 or 4, and the labels that belong to it."""

    name: str
    shape: tuple[int, ...]
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    """Opens the file where the array's first byte is."""
    labels: Labels | None = None
    class_names: tuple[str, ...] = ()
    """Of the labels; their numbers unless given."""
    own_split: bool = False
    """Whether it is a test split, or has one beside it, so that nothing is to be held out."""
    planes_first: bool = False
    """Whether it lies in the file as (n, c, h, w), as PyTorch has pictures."""


def load_array(array: PictureArray, request: Request, stamps: list[str]) -> Pictures:
    """Prepare the pictures of an array, once, and return the asked split of them.

    Raises:
        DataError: the array holds no pictures, is cut off, or its labels do not fit.
    """
    array = find_planes(array)
    check_shape(array)
    labels, class_names = check_labels(array)
    if request.split == "train" and array.shape[3:] == (4,) and request.settings.channels is None:
        request.console.print(ON_WHITE, highlight=False, soft_wrap=True, markup=False)
    if request.split == "train":
        for note in note_unseen(labels, class_names):
            request.console.print(note, highlight=False, soft_wrap=True, markup=False)
    entry = prepared_entry(
        entry_key(request, [array.name, *stamps]),
        partial(write_array, array=array, labels=labels, class_names=class_names, request=request),
    )
    if array.own_split:
        request = request.with_nothing_held_out()
    return open_prepared(entry, request)


def find_planes(array: PictureArray) -> PictureArray:
    """Return an array (n, c, h, w), whose last side is no number of channels, as one (n, h, w, c)."""
    if len(array.shape) != 4 or array.shape[3] in CHANNELS or array.shape[1] not in CHANNELS:
        return array
    count, channels, height, width = array.shape
    return replace(array, shape=(count, height, width, channels), planes_first=True)


def check_shape(array: PictureArray) -> None:
    """Raise DataError unless the array holds pictures."""
    shape = array.shape
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in CHANNELS):
        volumes = len(shape) == 4 and min(shape[1:]) >= SMALLEST
        slices = f"images.reshape(-1, {', '.join(map(str, shape[2:]))})"
        raise DataError(
            f"{array.name} has the shape {shape}; pictures are (n, h, w) or (n, h, w, c), c 1, 3 or 4."
            + (f" Of volumes the slices are pictures: save {slices}, without labels." if volumes else "")
        )
    if not shape[0]:
        raise DataError(f"{array.name} holds no pictures.")
    if not 0 < shape[0] <= MAX_FILES:
        raise DataError(
            f"{array.name} says it holds {shape[0]} pictures; at most {MAX_FILES} can be prepared."
        )
    if min(shape[1:3]) < SMALLEST or max(shape[1:3]) > LARGEST:
        raise DataError(
            f"{array.name} holds pictures of {shape[2]}x{shape[1]} pixels; either side may have "
            f"{SMALLEST} to {LARGEST}."
        )


def check_labels(array: PictureArray) -> tuple[Labels, tuple[str, ...]]:
    """Return a label for each picture and the classes' names; none where all are of one class."""
    count = array.shape[0]
    if array.labels is None:
        return np.zeros(count, np.int32), ()
    labels = array.labels.reshape(-1)
    if len(labels) != count or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{array.name} holds {count} pictures, and its labels are {array.labels.dtype} "
            f"{array.labels.shape}; a whole number for each is needed.{advise_labels(array.labels, count)}"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    names = array.class_names or tuple(str(label) for label in range(min(highest, MAX_CLASSES) + 1))
    if not all(name.strip() for name in names):
        raise DataError(f"{array.name} names a class by nothing: give each a name.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{array.name} names two classes '{twice}': give each a name of its own.")
    if lowest < 0 or highest >= min(len(names), MAX_CLASSES):
        raise DataError(
            f"The labels of {array.name} go from {lowest} to {highest}; they number the classes from 0 to "
            f"{min(len(names), MAX_CLASSES) - 1}."
        )
    return labels, names if len(names) > 1 else ()


def write_array(
    folder: Path, array: PictureArray, labels: Labels, class_names: tuple[str, ...], request: Request
) -> None:
    """Write the entry of an array, in `shuffle_order`."""
    settings, (count, height, width) = request.settings, array.shape[:3]
    stored = array.shape[3] if len(array.shape) == 4 else 1
    high, wide = settings.choose_sides(min(height, width), min(height, width))
    channels = settings.channels or min(stored, 3)
    settings = settings.model_copy(update={"size": (wide, high), "channels": channels})
    places = np.argsort(shuffle_order(count))
    row, digest = 0, SetDigest()
    with (
        PictureWriter(folder, count, (high, wide, channels)) as writer,
        counting(request.console, "Reading pictures", count) as add,
    ):
        for images in read_chunks(array):
            digest.add_raw(images.tobytes())
            for pixels in frame_array(images, settings):
                label = int(labels[row])
                writer.put(int(places[row]), pixels, label)
                digest.add("", class_names[label] if class_names else "", pixels.tobytes())
                row += 1
            add(len(images))
        shape = PictureShape(height=high, width=wide, channels=channels, class_names=class_names)
        writer.finish(Description(count=count, shape=shape, record=digest.finish()))


def read_chunks(array: PictureArray) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures uint8 (k, h, w, c), megabytes at a time; raise DataError where they end early."""
    count, *shape = array.shape
    picture_bytes = int(np.prod(shape))
    chunk = max(1, CHUNK_BYTES // picture_bytes)
    try:
        with array.open() as stream:
            for first in range(0, count, chunk):
                wanted = min(chunk, count - first)
                images = np.frombuffer(read_exactly(stream, wanted * picture_bytes), np.uint8)
                if array.planes_first:
                    height, width, channels = shape
                    yield images.reshape(wanted, channels, height, width).transpose(0, 2, 3, 1)
                else:
                    yield images.reshape(wanted, *shape[:2], -1)
            read_exactly(stream, 0, last=True)
    except (EOFError, OSError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{array.name} cannot be read: {error}. Fetch the file again.") from error


def read_exactly(stream: IO[bytes], count: int, *, last: bool = False) -> bytes:
    """Read `count` bytes; raise EOFError where there are fewer, or more though they are the last."""
    content = stream.read(count)
    if len(content) != count:
        raise EOFError("it is cut off")
    if last and stream.read(1):
        raise EOFError("it is longer than it says")
    return content

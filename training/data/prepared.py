"""Pictures prepared for training in a file, read where they lie: a set may be larger than memory.

```
ENTRY/images.bin         uint8 (n, height, width, channels), nothing else
ENTRY/labels.npy         int32 (n,)
ENTRY/description.json   how many, of what shape and classes, and which files were skipped
```
"""

import shutil
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from training.data.class_folders import name_missing
from training.data.pictures import Pictures, Request, split_rows
from training.data.record import SetRecord
from training.errors import DataError
from training.shape import PictureShape

IMAGES, LABELS, DESCRIPTION = "images.bin", "labels.npy", "description.json"
SPARE_BYTES = 64 * 2**20
GREY_BYTES = 3 * 2**20
"""Read at once of a coloured file that becomes grey; a multiple of three."""
SKIPPED_KEPT = 100
SKIPPED_SHOWN = 5


class Description(BaseModel):
    """What description.json says."""

    model_config = ConfigDict(frozen=True)

    count: int
    shape: PictureShape
    skipped: tuple[str, ...] = ()
    """A file and why, each; the first hundred."""
    skipped_count: int = 0
    unconverted: tuple[str, ...] = ()
    """A file and what is wrong with its colour profile, each; the first hundred."""
    unconverted_count: int = 0
    unread: tuple[str, ...] = ()
    """Classes of which no file is a picture: they are none."""
    record: SetRecord | None = None


class PictureWriter:
    """Writes an entry, a picture at a time and in any order."""

    def __init__(self, folder: Path, count: int, shape: tuple[int, int, int]) -> None:
        """Begin an entry of at most `count` pictures (h, w, c); raise DataError on too small a disk."""
        height, width, channels = shape
        needed = count * height * width * channels
        free = shutil.disk_usage(folder).free
        if needed + SPARE_BYTES > free:
            raise DataError(
                f"{count} pictures of {width}x{height} need {needed / 1e9:.1f} GB in {folder.parent.parent}, "
                f"where {free / 1e9:.1f} GB are free. Make room, choose a smaller size, or name another "
                "folder with GANYMEDE_PICTURES."
            )
        self.folder = folder
        self.picture_bytes = height * width * channels
        self.labels = np.zeros(count, np.int32)
        # Not a memmap: a full disk is an error where one writes, and a crash where one maps.
        self.stream = (folder / IMAGES).open("wb")

    def put(self, row: int, pixels: NDArray[np.uint8], label: int) -> None:
        """Write a picture uint8 (height, width, channels) of class `label` at `row`."""
        self.stream.seek(row * self.picture_bytes)
        self.stream.write(pixels.tobytes())
        self.labels[row] = label

    def keep_grey(self, description: Description) -> Description:
        """Keep one channel of a set in which all three are equal; return the description of that."""
        self.stream.close()
        path, grey = self.folder / IMAGES, self.folder / f"grey-{IMAGES}"
        with path.open("rb") as coloured, grey.open("wb") as stream:
            while pixels := coloured.read(GREY_BYTES):
                stream.write(pixels[::3])
        grey.replace(path)
        shape = description.shape.model_copy(update={"channels": 1})
        return description.model_copy(update={"shape": shape})

    def finish(self, description: Description) -> None:
        """Close the entry with its description."""
        self.stream.close()
        np.save(self.folder / LABELS, self.labels[: description.count])
        (self.folder / DESCRIPTION).write_text(description.model_dump_json(indent=1), encoding="utf-8")

    def __enter__(self) -> "PictureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()


def open_prepared(entry: Path, request: Request) -> Pictures:
    """Return the asked split of an entry, its images mapped, not read; say what was skipped."""
    try:
        description = Description.model_validate_json((entry / DESCRIPTION).read_text(encoding="utf-8-sig"))
        shape = description.shape
        images = np.memmap(
            entry / IMAGES,
            np.uint8,
            "r",
            shape=(description.count, shape.height, shape.width, shape.channels),
        )
        labels = np.load(entry / LABELS, allow_pickle=False)
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(f"The prepared pictures in {entry} are damaged. Remove that folder.") from error
    if description.skipped_count:
        request.console.print(describe_skipped(description), highlight=False, soft_wrap=True, markup=False)
    if description.unconverted_count:
        sentence = describe_unconverted(description)
        request.console.print(sentence, highlight=False, soft_wrap=True, markup=False)
    # A part that is tested with has the classes of the other.
    for sentence in name_missing(list(description.unread)) if request.split == "train" else ():
        request.console.print(sentence, highlight=False, soft_wrap=True, markup=False)
    rows = split_rows(description.count, request.settings, request.split)
    return Pictures(images[rows], labels[rows], shape, description.record)


def describe_skipped(description: Description) -> str:
    """Return the sentence on the files that are not in the set."""
    return f"Skipped {list_files(description.skipped, description.skipped_count)}."


def describe_unconverted(description: Description) -> str:
    """Return the sentence on the files whose colour profiles are not heeded."""
    files = list_files(description.unconverted, description.unconverted_count)
    return f"Colours were taken as they are, as sRGB, in {files}."


def list_files(names: tuple[str, ...], count: int) -> str:
    """Return `7 files: `, the first few of them, and how many more there are."""
    shown, more = ", ".join(names[:SKIPPED_SHOWN]), count - SKIPPED_SHOWN
    files = "1 file" if count == 1 else f"{count} files"
    return f"{files}: {shown}{f' and {more} more' if more > 0 else ''}"

"""Picture files to prepared pictures: decoded once, a few at a time, whatever cannot be read left out."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from foundation.pictures.development import develop, draft
from training.activity import counting
from training.data.framing import DEFAULT_CHANNELS, DEFAULT_SIZE, find_frame
from training.data.order import sort_naturally
from training.data.pictures import Request, shuffle_order
from training.data.prepared import SKIPPED_KEPT, Description, PictureWriter, describe_skipped
from training.data.record import SetDigest
from training.data.unsupported import HEAD_BYTES, NOTHING, RAW, explain_kind, find_kind
from training.errors import DataError
from training.shape import PictureSettings, PictureShape

DECODERS = 4
PROGRAMS = ("EPS",)
"""Formats that are no pictures but programs, which Pillow hands to Ghostscript."""
MOST_PIXELS = 89_478_485
"""Of a picture: beyond them Pillow takes it for a decompression bomb."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file that should hold a picture: its name for the person, its class, and how it is opened."""

    name: str
    class_name: str | None
    """None where it belongs to none, though others do: it is left out."""
    open: Callable[[], BinaryIO]


def write_pictures(
    folder: Path, files: Sequence[PictureFile], request: Request, origin: str, readers: int = DECODERS
) -> None:
    """Decode `files` into the entry `folder`, in `shuffle_order`; a class without a picture is none.

    `readers` are at work at once.

    Raises:
        DataError: no file is a picture, or the disk is too small.
    """
    settings = request.settings
    height, width = settings.choose_sides(DEFAULT_SIZE, DEFAULT_SIZE)
    channels = settings.channels or DEFAULT_CHANNELS
    grey = settings.channels is None
    names = sort_naturally({file.class_name for file in files if file.class_name is not None})
    skipped: list[str] = []
    unconverted: list[str] = []
    count = skipped_count = 0
    digest = SetDigest()
    with PictureWriter(folder, len(files), (height, width, channels)) as writer:
        shuffled = [files[index] for index in shuffle_order(len(files))]
        for file, outcome in decode_files(shuffled, request, readers, unconverted):
            if isinstance(outcome, str) or file.class_name is None:
                skipped_count += 1
                if len(skipped) < SKIPPED_KEPT:
                    skipped.append(f"{file.name} ({outcome})")
            else:
                writer.put(count, outcome, names.index(file.class_name))
                digest.add(file.name, file.class_name, outcome.tobytes())
                count += 1
                grey = grey and is_grey(outcome)
        present = np.unique(writer.labels[:count])
        writer.labels[:count] = np.searchsorted(present, writer.labels[:count])
        shape = PictureShape(
            height=height,
            width=width,
            channels=channels,
            class_names=tuple(names[label] for label in present) if len(present) > 1 else (),
        )
        description = Description(
            count=count,
            shape=shape,
            skipped=tuple(skipped),
            skipped_count=skipped_count,
            unread=tuple(name for index, name in enumerate(names) if name and index not in present),
            unconverted=tuple(sorted(unconverted)[:SKIPPED_KEPT]),
            unconverted_count=len(unconverted),
            record=digest.finish(),
        )
        if not count:
            raise DataError(f"{origin} holds no picture that can be read. {describe_skipped(description)}")
        if grey:
            description = writer.keep_grey(description)
        writer.finish(description)


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Say whether a picture uint8 (h, w, 3) has no colour anywhere."""
    return bool((pixels[..., :1] == pixels).all())


def decode_files(
    files: Sequence[PictureFile], request: Request, readers: int, unconverted: list[str]
) -> Iterator[tuple[PictureFile, NDArray[np.uint8] | str]]:
    """Yield each file with its picture uint8 (height, width, channels), or with why there is none.

    The names of those whose colour profiles cannot be used are added to `unconverted`.
    """
    decode = partial(decode_file, settings=request.settings, unconverted=unconverted)
    with (
        counting(request.console, "Reading pictures", len(files)) as add,
        ThreadPoolExecutor(readers) as pool,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of what is odd in a file's metadata: its picture is what counts
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.init()
        for first in range(0, len(files), 2 * readers):  # no more than these are in memory
            chunk = files[first : first + 2 * readers]
            yield from zip(chunk, pool.map(decode, chunk), strict=True)
            add(len(chunk))


def explain_unidentified(file: PictureFile) -> str:
    """Return what a file is in which Pillow finds no picture, where its bytes or its name tell."""
    try:
        with file.open() as stream:
            head = stream.read(HEAD_BYTES)
        if not head:
            return explain_kind(NOTHING)
    except OSError:
        head = b""
    kind = find_kind(file.name, head)
    return explain_kind(kind) if kind else "no picture"


def decode_file(
    file: PictureFile, settings: PictureSettings, unconverted: list[str]
) -> NDArray[np.uint8] | str:
    """Return the picture in a file, the way up its camera was held (EXIF), or why there is none.

    Its colours are those of sRGB, by its profile if it has one; where that cannot be used, they are taken as
    they are, and the file's name is added to `unconverted`.

    Refused are pictures of more than `MOST_PIXELS`.
    """
    if file.class_name is None:
        return "in no class's folder"
    if find_kind(file.name) == RAW:  # Pillow takes some for TIFF, and shows the thumbnail in it
        return explain_kind(RAW)
    try:
        formats = [name for name in Image.ID if name not in PROGRAMS]
        with file.open() as stream, Image.open(stream, formats=formats) as picture:
            frame = find_frame(settings)
            draft(picture, frame)
            developed = develop(picture, frame)
            if developed.unconverted is not None:
                unconverted.append(f"{file.name} ({developed.unconverted})")
            return developed.pixels
    except DataError:  # what cannot be fetched is no damaged picture
        raise
    except UnidentifiedImageError:
        return explain_unidentified(file)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return f"more than {MOST_PIXELS:,} pixels: make it smaller first"
    except OSError as error:
        return error.strerror or str(error).rstrip(".") or type(error).__name__
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        return str(error).rstrip(".") or type(error).__name__

"""What reads training data: IDX files, NumPy archives, pictures."""

import gzip
import io
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from tests.fuzz.target import Target
from tests.idx_files import write_idx
from training.data.decoding import PictureFile, decode_file
from training.data.idx import read_idx
from training.data.idx_files import read_shape
from training.data.npz import load_npz
from training.data.pictures import Request
from training.errors import DataError
from training.shape import PictureSettings

PICTURE_BYTES = 2**30
"""Of 89 million pixels, the most that are decoded, and a second copy of them."""
SETTINGS = PictureSettings(size=8, channels=3, held_out=0.0)


def read_idx_bytes(name: str, content: bytes) -> None:
    """A file of pictures or of labels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        read_shape(path)
        read_idx(path, 3)


def read_archive(content: bytes) -> None:
    """As `--data npz:PATH` does, pictures and all."""
    import os

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.npz"
        path.write_bytes(content)
        os.environ["GANYMEDE_PICTURES"] = str(Path(folder) / "prepared")
        request = Request(str(path), None, "train", SETTINGS, Console(quiet=True))
        load_npz(request)


def read_picture(content: bytes) -> None:
    """A picture file of a class: its pixels, or why there are none."""
    file = PictureFile("picture", "class", partial(io.BytesIO, content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # as `decode_files` does
        outcome = decode_file(file, SETTINGS, [])
    assert isinstance(outcome, str) or (outcome.shape == (8, 8, 3) and outcome.dtype == np.uint8)


def seed_idx() -> list[bytes]:
    """Five pictures, plain."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images"
        write_idx(path, np.zeros((5, 8, 8), np.uint8))
        return [path.read_bytes()]


def seed_archives() -> list[bytes]:
    """Archives with pictures, labels and names."""
    images, labels = np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 0, 1])
    found = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, images=images, labels=labels, class_names=np.array(["a", "b"]))
        found.append(file.getvalue())
    return found


def seed_pictures() -> list[bytes]:
    """A picture in every format that people keep them in."""
    picture = Image.fromarray(np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    found = []
    for form, options in (
        ("PNG", {}),
        ("JPEG", {"exif": exif}),
        ("WEBP", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
    ):
        file = io.BytesIO()
        picture.save(file, form, **options)
        found.append(file.getvalue())
    return found


DATA_TARGETS = (
    Target("idx", partial(read_idx_bytes, "images"), (DataError,), seed_idx),
    Target(
        "idx-gzipped",
        partial(read_idx_bytes, "images.gz"),
        (DataError,),
        lambda: [gzip.compress(content) for content in seed_idx()],
    ),
    Target("npz", read_archive, (DataError,), seed_archives),
    Target("picture", read_picture, (), seed_pictures, memory_limit_bytes=PICTURE_BYTES),
)

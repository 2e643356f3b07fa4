"""The IDX file format of MNIST and its kin: http://yann.lecun.com/exdb/mnist/ (last section)."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
"""What a gzipped file begins with (RFC 1952)."""
MAX_BYTES = 2**29


def find_idx(folder: Path, name: str) -> Path | None:
    """Return `folder/name` or `folder/name.gz`, whichever exists, or None."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file, gzipped or not: its first bytes say it, as browsers unpack what they do not rename."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file, gzipped or not, as uint8 of rank `dimensions`, 0 to 255.

    Raises DataError where the file is no such IDX file, is cut off or is longer than it says.
    """
    header_bytes = 4 + 4 * dimensions
    try:
        with open_unpacked(path) as stream:
            header = stream.read(header_bytes)
            shape = read_header(path, header, dimensions)
            size = math.prod(shape)
            if size > MAX_BYTES:
                raise DataError(f"{path} announces {size} bytes; at most {MAX_BYTES} are read.")
            body = stream.read(size + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}). Fetch the file again.") from error
    if len(body) != size:
        state = "cut off" if len(body) < size else "longer than it says"
        raise DataError(f"{path} is {state}: its header announces {size} bytes of data.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def read_header(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    """Return the shape in an IDX header; raise DataError unless it holds uint8 of that rank."""
    magic = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if header[:4] != magic:
        raise DataError(
            f"{path} is not an IDX file of {dimensions} dimension(s): it starts with "
            f"{header[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')}."
        )
    if len(header) != 4 + 4 * dimensions:
        raise DataError(f"{path} is cut off inside its header.")
    return struct.unpack(f">{dimensions}I", header[4:])

"""Walks as still pictures: a filmstrip, an archive of frames, an array."""

import zipfile
from pathlib import Path

import numpy as np

from foundation.images import Images
from service.encoding.animation import FrameShape
from service.encoding.pictures import encode_image
from service.encoding.provenance import Provenance

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


class FilmstripEncoder:
    """All frames side by side in one PNG: frame k begins at column k·width.

    One picture has to be whole before it is written: its memory is that of its pixels.
    """

    def __init__(self, path: Path, shape: FrameShape, origin: Provenance) -> None:
        self._path = path
        self._origin = origin
        self._strip = np.empty((shape.height, shape.frames * shape.width, shape.channels), np.uint8)
        self._columns = 0

    def add(self, frames: Images) -> None:
        """Lay the next frames to the right of those before; see `Encoder.add`."""
        for frame in frames:
            self._strip[:, self._columns : self._columns + frame.shape[1]] = frame
            self._columns += frame.shape[1]

    def finish(self) -> None:
        """Write the picture."""
        self._path.write_bytes(encode_image(self._strip, "png", self._origin))

    def close(self) -> None:
        """Let go of the pixels."""
        self._strip = self._strip[:0]


class ArchiveEncoder:
    """A ZIP of one PNG for each frame, stored as they are: PNG is compressed already."""

    def __init__(self, path: Path, shape: FrameShape, origin: Provenance) -> None:
        self._origin = origin
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._digits = max(4, len(str(shape.frames - 1)))
        self._written = 0

    def add(self, frames: Images) -> None:
        """Add a file for each of the next frames; see `Encoder.add`."""
        for frame in frames:
            entry = zipfile.ZipInfo(f"{self._written:0{self._digits}}.png", _ZIP_TIME)
            self._archive.writestr(entry, encode_image(frame, "png", self._origin))
            self._written += 1

    def finish(self) -> None:
        """Write the archive's directory."""
        self._archive.close()

    def close(self) -> None:
        """Close the file."""
        self._archive.close()


class ArrayEncoder:
    """The pixels themselves, uint8 (frames, height, width, channels), as NumPy's `.npy` file."""

    def __init__(self, path: Path, shape: FrameShape) -> None:
        self._file = path.open("wb")
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)),
                "fortran_order": False,
                "shape": (shape.frames, shape.height, shape.width, shape.channels),
            },
        )

    def add(self, frames: Images) -> None:
        """Write the next frames; see `Encoder.add`."""
        self._file.write(np.ascontiguousarray(frames).data)

    def finish(self) -> None:
        """Write what the file's buffer holds."""
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

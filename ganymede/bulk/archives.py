"""Shards as files: WebDataset's tar, and NumPy's npz; the same content is the same bytes."""

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from foundation.images import Images

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class Archive(Protocol):
    """A shard that is being written, a few pictures at a time."""

    def add(
        self, seeds: Sequence[int], images: Images, pngs: Sequence[bytes], labels: Sequence[int] | None
    ) -> None:
        """Write the next pictures: uint8 (n, h, w, c) and as PNG, with the class of each if there are any."""
        ...

    def finish(self) -> None:
        """Write what comes last, and close the file."""
        ...


class TarArchive:
    """`0000000042.png` and `0000000042.json` of each picture, side by side, as the WebDataset format has it.

    Headers are POSIX's (ustar) with no time, owner or group.
    """

    def __init__(self, path: Path, classes: Sequence[str] | None) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 - closed by `finish`
        self._classes = classes

    def add(
        self, seeds: Sequence[int], images: Images, pngs: Sequence[bytes], labels: Sequence[int] | None
    ) -> None:
        """Write the next pictures; see `Archive.add`."""
        del images
        for index, (seed, png) in enumerate(zip(seeds, pngs, strict=True)):
            described: dict[str, object] = {"seed": seed}
            if labels is not None and self._classes is not None:
                described |= {"label": labels[index], "class": self._classes[labels[index]]}
            self._write(f"{seed:010}.png", png)
            self._write(f"{seed:010}.json", orjson.dumps(described))

    def finish(self) -> None:
        """Write the end of the archive."""
        self._tar.close()

    def _write(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))


class NpzArchive:
    """`images` uint8 (n, h, w, c), `seeds` uint32 (n,), with classes `labels` int64 (n,), as they are."""

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        """`shape` is that of all images."""
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._seeds: list[int] = []
        self._labels: list[int] = []
        self._images = self._zip.open(zipfile.ZipInfo("images.npy", _ZIP_TIME), "w", force_zip64=True)
        np.lib.format.write_array_header_1_0(
            self._images, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )

    def add(
        self, seeds: Sequence[int], images: Images, pngs: Sequence[bytes], labels: Sequence[int] | None
    ) -> None:
        """Write the next pictures; see `Archive.add`."""
        del pngs
        self._images.write(np.ascontiguousarray(images).data)
        self._seeds.extend(seeds)
        self._labels.extend(labels or ())

    def finish(self) -> None:
        """Write seeds and labels, and the archive's directory."""
        self._images.close()
        self._write("seeds.npy", np.array(self._seeds, np.uint32))
        if self._labels:
            self._write("labels.npy", np.array(self._labels, np.int64))
        self._zip.close()

    def _write(self, name: str, array: NDArray[np.uint32] | NDArray[np.int64]) -> None:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        self._zip.writestr(zipfile.ZipInfo(name, _ZIP_TIME), file.getvalue())

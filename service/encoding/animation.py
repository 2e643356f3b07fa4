"""The formats of a walk, and the one way to write any of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from foundation.errors import InvalidField
from foundation.images import Images
from service.encoding.provenance import Provenance

MEDIA_TYPES = {
    "png": "image/png",
    "gif": "image/gif",
    "apng": "image/apng",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "zip": "application/zip",
    "npy": "application/x-npy",
}
"""The media type of each format of `POST /latent-walk`, the default first."""

_MAX_FPS = {"gif": 50}  # a GIF counts in 1/100 s, and browsers slow down what takes less than two


@dataclass(frozen=True, slots=True)
class FrameShape:
    """How many frames a walk has, and the size of each in pixels, as it is written."""

    frames: int
    height: int
    width: int
    channels: int
    fps: int


class Encoder(Protocol):
    """Writes a walk into a file, from its first frame to its last; not safe for two threads at once."""

    def add(self, frames: Images) -> None:
        """Encode the next frames, uint8 (n, height, width, channels)."""
        ...

    def finish(self) -> None:
        """Write what is still to be written; the file is whole after it."""
        ...

    def close(self) -> None:
        """Free what the encoder holds, finished or not."""
        ...


def check_fps(format: str, fps: int) -> None:
    """Hold a rate against what a format can say.

    Raises:
        InvalidField: the format has no such rate.
    """
    if fps > _MAX_FPS.get(format, fps):
        raise InvalidField("fps", f"{format} has at most {_MAX_FPS[format]} frames a second; mp4 has more")


def open_encoder(format: str, path: Path, shape: FrameShape, origin: Provenance) -> Encoder:
    """An encoder of any format of `MEDIA_TYPES` that writes a new file at `path`.

    `origin` says how the frames came about; the formats with a place for it keep it.
    """
    from service.encoding.stills import ArchiveEncoder, ArrayEncoder, FilmstripEncoder

    if format == "zip":
        return ArchiveEncoder(path, shape, origin)
    if format == "npy":
        return ArrayEncoder(path, shape)
    if format == "png":
        return FilmstripEncoder(path, shape, origin)
    from service.encoding.video import VideoEncoder  # PyAV takes a while to import

    return VideoEncoder(format, path, shape, origin)

"""Walks that are sent while they are made: fragmented MP4, and single frames one after another.

An MP4 in fragments (ISO/IEC 14496-12, section 8.8) begins with a head that promises nothing of what comes;
`multipart/x-mixed-replace` is what `<img>` shows as a film: each part takes the place of the one before.
"""

from typing import Protocol

from foundation.images import Images
from service.encoding.animation import Encoder, FrameShape
from service.encoding.pictures import encode_image
from service.encoding.provenance import Provenance

_BOUNDARY = "ganymede-frame"
_MULTIPART = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
STREAM_MEDIA_TYPES = {"mp4": "video/mp4", "png": _MULTIPART, "jpeg": _MULTIPART}
"""The media type of each format of a walk that is streamed, the default first."""

PACED = frozenset({"png", "jpeg"})
"""Formats that say nothing of time: their frames are sent when they are due."""


class StreamEncoder(Encoder, Protocol):
    """An encoder that hands its bytes over as they are made."""

    def take(self) -> list[bytes]:
        """What is written and was not taken yet; of single frames each by itself."""
        ...


class Sink:
    """A file that is written from its beginning to its end, and read while it is."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, content: bytes) -> int:
        """Take the next bytes."""
        self._written += content
        return len(content)

    def take(self) -> list[bytes]:
        """What was written since the last time."""
        taken, self._written = bytes(self._written), bytearray()
        return [taken] if taken else []


class PartsEncoder:
    """Each frame as a part with a length of its own; what follows it, so that it is shown at once, too."""

    def __init__(self, format: str, origin: Provenance) -> None:
        self._format, self._origin = format, origin
        self._parts = [f"--{_BOUNDARY}".encode()]

    def add(self, frames: Images) -> None:
        """Encode the next frames; see `Encoder.add`."""
        for frame in frames:
            picture = encode_image(frame, self._format, self._origin)
            head = f"\r\nContent-Type: image/{self._format}\r\nContent-Length: {len(picture)}\r\n\r\n"
            self._parts.append(head.encode() + picture + f"\r\n--{_BOUNDARY}".encode())

    def take(self) -> list[bytes]:
        """The parts that were not taken yet."""
        taken, self._parts = self._parts, []
        return taken

    def finish(self) -> None:
        """Say that no more will come."""
        self._parts.append(b"--\r\n")

    def close(self) -> None:
        """Let go of what was not taken."""
        self._parts = []


def open_stream_encoder(format: str, shape: FrameShape, origin: Provenance) -> StreamEncoder:
    """An encoder of any format of `STREAM_MEDIA_TYPES`."""
    if format in PACED:
        return PartsEncoder(format, origin)
    from service.encoding.video import FragmentedEncoder  # PyAV takes a while to import

    return FragmentedEncoder(shape, origin)

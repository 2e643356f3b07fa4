"""Where an animation's file keeps its XMP packet, by format (XMP specification, part 3, Adobe 2020)."""

import shutil
import struct
from pathlib import Path
from uuid import UUID

from service.encoding.png import HEADER_BYTES
from service.encoding.provenance import write_png_xmp

_MP4_BOX = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_GIF_TRAILER = b"\x3b"
_GIF_BLOCK = b"\x21\xff\x0bXMP DataXMP"
_GIF_END = bytes([1, *range(255, -1, -1), 0])  # leads whoever reads the packet as sub-blocks to its end
_WEBP_XMP, _WEBP_ALPHA = 0x04, 0x10


def embed_xmp(path: Path, format: str, xmp: bytes) -> None:
    """Write an XMP packet into a whole `mp4`, `gif`, `apng` or `webp` file, whose frames stay as they are."""
    _EMBEDDERS[format](path, xmp)


def wrap_xmp(xmp: bytes) -> bytes:
    """The box that holds an XMP packet at the end of an MP4."""
    return struct.pack(">I4s16s", 24 + len(xmp), b"uuid", _MP4_BOX) + xmp


def _embed_mp4(path: Path, xmp: bytes) -> None:
    with path.open("ab") as file:
        file.write(wrap_xmp(xmp))


def _embed_gif(path: Path, xmp: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(-len(_GIF_TRAILER), 2)
        file.write(_GIF_BLOCK + xmp + _GIF_END + _GIF_TRAILER)


def _embed_apng(path: Path, xmp: bytes) -> None:
    """After the header, where readers of pictures look; so the rest moves."""
    _insert(path, HEADER_BYTES, write_png_xmp(xmp))


def _embed_webp(path: Path, xmp: bytes) -> None:
    """As the last chunk, announced in the extended header (RFC 9649, section 2.7)."""
    with path.open("rb") as file:
        head = file.read(30)
    if head[12:16] == b"VP8L":  # one picture: a walk that stands still
        _insert(path, 12, _extended_header(head))
    with path.open("r+b") as file:
        file.seek(20)
        [flags] = file.read(1)
        file.seek(20)
        file.write(bytes([flags | _WEBP_XMP]))
        file.seek(0, 2)
        file.write(struct.pack("<4sI", b"XMP ", len(xmp)) + xmp + b"\0" * (len(xmp) % 2))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def _extended_header(head: bytes) -> bytes:
    """The `VP8X` chunk for a lossless picture: its sides and whether it uses alpha (section 3.4)."""
    bits = int.from_bytes(head[21:25], "little")
    width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    sides = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return struct.pack("<4sIB3x", b"VP8X", 10, _WEBP_ALPHA * alpha) + sides


def _insert(path: Path, place: int, content: bytes) -> None:
    """Insert `content` into a file at `place`, holding little of it in memory."""
    moved = path.with_suffix(".moved")
    with path.open("rb") as source, moved.open("wb") as target:
        target.write(source.read(place) + content)
        shutil.copyfileobj(source, target)
    moved.replace(path)


_EMBEDDERS = {"mp4": _embed_mp4, "gif": _embed_gif, "apng": _embed_apng, "webp": _embed_webp}

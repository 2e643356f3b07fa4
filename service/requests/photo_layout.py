"""What a picture's file is made of, counted before Pillow opens it: each part costs a step of Python's there.

Pillow joins comments piece by piece, and reads a directory's entry as often as it is named, so that a few
megabytes may cost minutes, or all memory. What is counted is what Pillow reads up to the first picture's end.
"""

import re
import struct

from foundation.errors import InvalidField
from service.requests.exif_layout import MAX_DIRECTORY_BYTES, check_directories, check_most

MAX_PARTS = 1_000
"""Blocks of a GIF file before its picture, chunks of a PNG file beside its pixels, markers of a JPEG file."""
MAX_PIXEL_CHUNKS = 20_000
"""Of a PNG file; encoders write some kilobytes into each."""
MAX_COMMENT_BYTES = 2**16
"""Of a GIF file."""
MAX_PADDING_BYTES = 2**16
"""Of a JPEG file: what stands between its segments and means nothing."""
MAX_SCANS = 64
"""Of a JPEG file: a progressive one has ten, and each goes over the whole picture."""
MAX_TEXTS = 16
"""Of a PNG file, each of which may become 1 MiB when Pillow opens it."""

_SCAN = b"\xff\xda"
"""What a scan begins with (ITU-T T.81, B.1.1.3); within one 0xFF is never followed by it."""
_TEXTS = (b"zTXt", b"iTXt", b"iCCP")
_TO_MARKER = re.compile(rb"[^\xff]*\xff+")
_WITHOUT_LENGTH = frozenset((*range(0xD0, 0xDA), 0xC8, *range(0xF0, 0xFE)))
_START_OF_SCAN = 0xDA
_APP1, _APP2 = 0xE1, 0xE2
_PIXEL_CHUNKS = (b"IDAT", b"fdAT")
_GIF_COMMENT = 0xFE
_MAX_COLOURS = 256
_RUN_LENGTHS = (1, 2)
"""Of eight and of four bits (BITMAPINFOHEADER)."""


def check_layout(content: bytes, format: str, field: str) -> None:
    """Refuse a file of Pillow's format `format` that would cost far more than a picture does.

    Raises:
        InvalidField: it has too many parts, or too much beside its pixels.
    """
    checks = {
        "BMP": _check_bmp,
        "GIF": _check_gif,
        "JPEG": _check_jpeg,
        "PNG": _check_png,
        "WEBP": _check_webp,
    }
    if (check := checks.get(format)) is not None:
        check(content, field)


def _check_bmp(content: bytes, field: str) -> None:
    """Of its palette, and how its pixels are packed: Pillow takes both apart in Python, pixel by pixel.

    A run may leave out 255 lines, of any width, which Pillow makes before it counts them.
    """
    if len(content) < 50 or int.from_bytes(content[14:18], "little") < 40:  # a header that says neither
        return
    bits, packed = struct.unpack_from("<HI", content, 28)
    if packed in _RUN_LENGTHS:
        raise InvalidField(
            field, "it has pixels that are packed by run lengths; save it anew without, or as PNG"
        )
    if bits <= 8:
        check_most(struct.unpack_from("<I", content, 46)[0], _MAX_COLOURS, "colours in its palette", field)


def _check_gif(content: bytes, field: str) -> None:
    """Of extensions and their blocks before the first picture (GIF89a, 23 to 26)."""
    flags = content[10] if len(content) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    parts = comments = 0
    while at < len(content) and content[at : at + 1] not in (b",", b";"):
        parts += 1
        check_most(parts, MAX_PARTS, "blocks before its first picture", field)
        if content[at : at + 1] != b"!":
            at += 1
            continue
        kind, at = content[at + 1 : at + 2], at + 2
        while at < len(content) and (size := content[at]):
            parts += 1
            comments += size if kind == bytes([_GIF_COMMENT]) else 0
            at += 1 + size
            check_most(parts, MAX_PARTS, "blocks before its first picture", field)
            check_most(comments, MAX_COMMENT_BYTES, "bytes of comments", field)
        at += 1


def _check_png(content: bytes, field: str) -> None:
    """Of chunks (PNG, third edition, 5.3), up to the end: Pillow reads what stands behind the pixels too."""
    if sum(map(content.count, _TEXTS)) > MAX_TEXTS:
        raise InvalidField(field, f"it holds more than {MAX_TEXTS} texts; save it without its metadata")
    at, parts, pixels = 8, 0, 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if kind == b"IEND":
            return
        if kind in _PIXEL_CHUNKS:
            pixels += 1
            check_most(pixels, MAX_PIXEL_CHUNKS, "chunks of pixels", field)
        else:
            parts += 1
            check_most(parts, MAX_PARTS, "chunks", field)
        if kind == b"eXIf":
            check_directories(content[at + 8 : at + 8 + size], field)
        at += 12 + size


def _check_jpeg(content: bytes, field: str) -> None:
    """Of markers and what stands between them (ITU-T T.81, B.1.1) before the first scan."""
    if content.count(_SCAN) > MAX_SCANS:
        raise InvalidField(field, f"it has more than {MAX_SCANS} scans, which nobody's camera writes")
    at, parts, padding = 2, 0, 0
    described = b""
    while found := _TO_MARKER.match(content, at):
        padding += found.end() - at - 1
        check_most(padding, MAX_PADDING_BYTES, "bytes between its segments", field)
        parts += 1
        check_most(parts, MAX_PARTS, "markers", field)
        at = found.end() + 1
        marker = content[found.end()] if found.end() < len(content) else 0
        if marker == _START_OF_SCAN:
            break
        if marker == 0 or marker in _WITHOUT_LENGTH:
            continue
        size = int.from_bytes(content[at : at + 2], "big")
        segment, at = content[at + 2 : at + size], at + max(size, 2)
        if marker == _APP1 and segment.startswith(b"Exif\0"):
            described += segment[6:]  # Pillow joins them
            check_most(len(described), MAX_DIRECTORY_BYTES, "bytes of EXIF data", field)
        elif marker == _APP2 and segment.startswith(b"MPF\0"):
            check_directories(segment[4:], field)
    check_directories(described, field)


def _check_webp(content: bytes, field: str) -> None:
    """Of its EXIF data alone (RFC 9649, 2.7.1.5): libwebp reads the rest."""
    at, parts = 12, 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        parts += 1
        check_most(parts, MAX_PIXEL_CHUNKS, "chunks", field)
        if kind == b"EXIF":
            check_directories(content[at + 8 : at + 8 + size].removeprefix(b"Exif\0\0"), field)
        at += 8 + size + size % 2

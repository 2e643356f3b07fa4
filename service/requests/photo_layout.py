"""What a picture's file is made of, counted before Pillow opens it: each part costs a step of Python's there.

Pillow joins comments piece by piece, and reads a directory's entry as often as it is named, so that a few
megabytes may cost minutes, or all memory. What is counted is what Pillow reads up to the first picture's end.
"""

import re
import struct
from collections.abc import Iterator

from foundation.errors import InvalidField

MAX_PARTS = 1_000
"""Blocks of a GIF file before its picture, chunks of a PNG file beside its pixels, markers of a JPEG file."""
MAX_PIXEL_CHUNKS = 20_000
"""Of a PNG file; encoders write some kilobytes into each."""
MAX_COMMENT_BYTES = 2**16
"""Of a GIF file."""
MAX_PADDING_BYTES = 2**16
"""Of a JPEG file: what stands between its segments and means nothing."""
MAX_DIRECTORY_BYTES = 2**20
"""Of EXIF data; one segment of a JPEG file holds 64 KiB."""
MAX_ENTRIES = 256
"""Of one directory of EXIF data; a camera writes some forty."""

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
_SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)
"""EXIF's own, of a place, and of how files are read elsewhere (CIPA DC-008)."""

_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Of a value of each type that takes more than one."""


def check_layout(content: bytes, format: str, field: str) -> None:
    """Refuse a file of Pillow's format `format` that would cost far more than a picture does.

    Raises:
        InvalidField: it has too many parts, or too much beside its pixels.
    """
    check = {"GIF": _check_gif, "PNG": _check_png, "JPEG": _check_jpeg, "WEBP": _check_webp}.get(format)
    if check is not None:
        check(content, field)


def _check_gif(content: bytes, field: str) -> None:
    """Of extensions and their blocks before the first picture (GIF89a, 23 to 26)."""
    flags = content[10] if len(content) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    parts = comments = 0
    while at < len(content) and content[at : at + 1] not in (b",", b";"):
        parts += 1
        _check_most(parts, MAX_PARTS, "blocks before its first picture", field)
        if content[at : at + 1] != b"!":
            at += 1
            continue
        kind, at = content[at + 1 : at + 2], at + 2
        while at < len(content) and (size := content[at]):
            parts += 1
            comments += size if kind == bytes([_GIF_COMMENT]) else 0
            at += 1 + size
            _check_most(parts, MAX_PARTS, "blocks before its first picture", field)
            _check_most(comments, MAX_COMMENT_BYTES, "bytes of comments", field)
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
            _check_most(pixels, MAX_PIXEL_CHUNKS, "chunks of pixels", field)
        else:
            parts += 1
            _check_most(parts, MAX_PARTS, "chunks", field)
        if kind == b"eXIf":
            _check_directories(content[at + 8 : at + 8 + size], field)
        at += 12 + size


def _check_jpeg(content: bytes, field: str) -> None:
    """Of markers and what stands between them (ITU-T T.81, B.1.1) before the first scan."""
    if content.count(_SCAN) > MAX_SCANS:
        raise InvalidField(field, f"it has more than {MAX_SCANS} scans, which nobody's camera writes")
    at, parts, padding = 2, 0, 0
    described = b""
    while found := _TO_MARKER.match(content, at):
        padding += found.end() - at - 1
        _check_most(padding, MAX_PADDING_BYTES, "bytes between its segments", field)
        parts += 1
        _check_most(parts, MAX_PARTS, "markers", field)
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
            _check_most(len(described), MAX_DIRECTORY_BYTES, "bytes of EXIF data", field)
        elif marker == _APP2 and segment.startswith(b"MPF\0"):
            _check_directories(segment[4:], field)
    _check_directories(described, field)


def _check_webp(content: bytes, field: str) -> None:
    """Of its EXIF data alone (RFC 9649, 2.7.1.5): libwebp reads the rest."""
    at, parts = 12, 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        parts += 1
        _check_most(parts, MAX_PIXEL_CHUNKS, "chunks", field)
        if kind == b"EXIF":
            _check_directories(content[at + 8 : at + 8 + size].removeprefix(b"Exif\0\0"), field)
        at += 8 + size + size % 2


def _check_directories(described: bytes, field: str) -> None:
    """Of the directories in EXIF data (TIFF 6.0, section 2); such as make no sense are Pillow's to refuse."""
    _check_most(len(described), MAX_DIRECTORY_BYTES, "bytes of EXIF data", field)
    described = described.removeprefix(b"Exif\0\0")
    order = "<" if described[:2] == b"II" else ">"
    if len(described) < 8:
        return
    first = struct.unpack_from(f"{order}I", described, 4)[0]
    waiting, seen = [first], set[int]()
    while waiting:
        start = waiting.pop()
        if start in seen or start + 2 > len(described) or len(seen) > MAX_ENTRIES:
            continue
        seen.add(start)
        count = struct.unpack_from(f"{order}H", described, start)[0]
        if count > MAX_ENTRIES:
            raise _too_much(f"EXIF data of {count:,} entries, of which {MAX_ENTRIES} are read", field)
        entries = list(_read_entries(described, start, count, order))
        if sum(size for _, size, _ in entries) > 2 * MAX_DIRECTORY_BYTES:
            raise _too_much("EXIF data whose entries overlap", field)
        waiting += [value for tag, _, value in entries if tag in _SUB_DIRECTORIES]


def _read_entries(described: bytes, start: int, count: int, order: str) -> Iterator[tuple[int, int, int]]:
    """The tag, the bytes that are read, and the value or its place, of each entry that is there."""
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if at + 12 > len(described):
            return
        tag, kind, number, value = struct.unpack_from(f"{order}HHII", described, at)
        yield tag, min(number * _TYPE_BYTES.get(kind, 1), len(described)), value


def _check_most(found: int, most: int, what: str, field: str) -> None:
    if found > most:
        raise _too_much(f"more than {most:,} {what}", field)


def _too_much(what: str, field: str) -> InvalidField:
    return InvalidField(field, f"it has {what}, which no picture needs; save it anew, without its metadata")

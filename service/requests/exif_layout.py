"""What EXIF data are made of, counted before Pillow reads them: it copies whatever an entry names."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

from foundation.errors import InvalidField

MAX_DIRECTORY_BYTES = 2**20
"""Of EXIF data; one segment of a JPEG file holds 64 KiB."""
MAX_ENTRIES = 256
"""Of one directory of EXIF data; a camera writes some forty."""

_SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)
"""EXIF's own, of a place, and of how files are read elsewhere (CIPA DC-008)."""

_EXIF_BEGINS = b"Exif\0\0"
_MAX_BEGINNINGS = 2
"""Pillow takes them away one after the other, each time by a copy of the rest."""
_EXIF_TEXT = "Raw profile type exif"
"""Where ImageMagick wrote EXIF data in a PNG file before they had a chunk: in hexadecimal digits."""

_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Of a value of each type that takes more than one."""


def check_described(info: Mapping[str | tuple[int, int], object], field: str) -> None:
    """Refuse EXIF data in the `info` of a picture that Pillow has decoded, before it looks into them.

    A PNG file may hold them in a text, compressed or not, and behind its pixels.

    Raises:
        InvalidField: they have too many entries, or too large ones.
    """
    described, text = info.get("exif"), info.get(_EXIF_TEXT)
    if described is None and isinstance(text, str):
        check_most(len(text), 2 * MAX_DIRECTORY_BYTES, "digits of EXIF data", field)
        with suppress(ValueError):  # they are none, which Pillow finds too
            described = bytes.fromhex("".join(text.split("\n")[3:]))
    if isinstance(described, bytes):
        check_directories(described, field)


def check_directories(described: bytes, field: str) -> None:
    """Of the directories in EXIF data (TIFF 6.0, section 2); such as make no sense are Pillow's to refuse."""
    check_most(len(described), MAX_DIRECTORY_BYTES, "bytes of EXIF data", field)
    beginnings = 0
    while described.startswith(_EXIF_BEGINS):
        beginnings += 1
        check_most(beginnings, _MAX_BEGINNINGS, "beginnings of EXIF data", field)
        described = described[len(_EXIF_BEGINS) :]
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


def check_most(found: int, most: int, what: str, field: str) -> None:
    """Refuse a file that has more than so much of `what`.

    Raises:
        InvalidField: it has.
    """
    if found > most:
        raise _too_much(f"more than {most:,} {what}", field)


def _too_much(what: str, field: str) -> InvalidField:
    return InvalidField(field, f"it has {what}, which no picture needs; save it anew, without its metadata")

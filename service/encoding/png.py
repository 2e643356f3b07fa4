"""A small PNG writer (ISO 15948): ISA-L's deflate over rows as they are, or less the row above.

Generated images are small, and a library's choice of a filter for every row costs several times what the
compression does. `python -m benchmarks.encoders` holds this against Pillow, which the tests read it with.
ISA-L comes with the locked package `isal`, so that one release of ours writes the same bytes on
every x86 processor, and others on ARM (docs/same-bytes.md).
"""

import struct

import numpy as np
from isal import isal_zlib

from foundation.images import Images

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
LEVEL = 1  # 0 makes files a quarter larger, 2 none smaller; 3 gives other bytes on another x86 processor
_FILTERED_BYTES = 2**12
"""From so many on, differences to the row above deflate to less: 56×56 in grey grows by a twentieth, 64×64 in
colours loses two fifths, and 256×256 two thirds."""
_NONE, _UP = 0, 2
HEADER_BYTES = 33
"""The signature, 8, and the IHDR chunk, 25: what comes before any other chunk."""


def write_png(image: Images) -> bytes:
    """One picture uint8 (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) RGBA as a PNG file."""
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    pixels = isal_zlib.compress(filter_rows(image.reshape(height, width * channels)), LEVEL)
    return b"".join(
        (_SIGNATURE, write_chunk(b"IHDR", header), write_chunk(b"IDAT", pixels), write_chunk(b"IEND", b""))
    )


def filter_rows(pixels: Images) -> memoryview:
    """Rows uint8 (h, bytes), each behind the number of its filter, (h, 1 + bytes) in all."""
    height, length = pixels.shape
    rows = np.empty((height, 1 + length), np.uint8)
    if pixels.size < _FILTERED_BYTES:
        rows[:, 0] = _NONE
        rows[:, 1:] = pixels
    else:
        rows[:, 0] = _UP
        rows[:1, 1:] = pixels[:1]
        np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    return rows.data


def write_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk: length, kind, content and checksum."""
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))

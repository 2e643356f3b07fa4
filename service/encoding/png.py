"""A small PNG writer (ISO 15948): zlib over unfiltered rows.

Generated images are small, and a library's choice of a filter for every row costs several times what the
compression does. `python -m benchmarks.encoders` holds this against Pillow, which the tests read it with.
"""

import struct
import zlib

import numpy as np

from foundation.images import Images

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
_LEVEL = 1  # higher ones take two to four times as long for 2 to 5 % fewer bytes
HEADER_BYTES = 33
"""The signature, 8, and the IHDR chunk, 25: what comes before any other chunk."""


def write_png(image: Images) -> bytes:
    """One picture uint8 (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) RGBA as a PNG file."""
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = image.reshape(height, width * channels)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    pixels = zlib.compress(rows.data, _LEVEL)
    return b"".join(
        (_SIGNATURE, write_chunk(b"IHDR", header), write_chunk(b"IDAT", pixels), write_chunk(b"IEND", b""))
    )


def write_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk: length, kind, content and checksum."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))

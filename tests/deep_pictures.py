"""PNG files of sixteen bits a colour, which Pillow reads and does not write (PNG specification, 11.2.1)."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS = {3: 2, 4: 6}
"""PNG's types of colours, and of colours with alpha."""


def write_deep_png(levels: NDArray[np.integer[Any]]) -> bytes:
    """A file of levels (h, w, 3 or 4), 0 to 65535."""
    height, width, channels = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    head = struct.pack(">IIBBBBB", width, height, 16, _KINDS[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(c + struct.pack(">I", zlib.crc32(c[4:])) for c in chunks)

"""Files of MNIST's own format, for tests: http://yann.lecun.com/exdb/mnist/ (last section)."""

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.idx import UNSIGNED_BYTE


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write uint8 `values` of any rank as an IDX file, gzipped if `path` ends so; always the same bytes."""
    header = bytes((0, 0, UNSIGNED_BYTE, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    content = header + values.tobytes()
    path.write_bytes(gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content)

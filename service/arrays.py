"""Arrays in files from a store: read only once what their heads claim fits what they hold."""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_HEAD_BYTES = 10_000
MAX_MEMBERS = 64
_MEMBER = b"PK\x01\x02"
"""What an entry of a ZIP archive's directory begins with (APPNOTE.TXT, 4.3.12)."""


class WrongArrays(ValueError):
    """What is wrong with such a file; a reason, not yet a sentence."""


def read_array(content: bytes, *, kinds: str) -> NDArray[Any]:
    """The array of a `.npy` file (NumPy's NEP 1), of one of `kinds` (`numpy.dtype.kind`), never pickled.

    Raises:
        WrongArrays: it is no such file, or its head claims another length than there is.
    """
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, kind = read(stream, max_header_size=MAX_HEAD_BYTES)
    except Exception as error:  # NumPy parses the head as Python's literals, which raise what they like
        raise WrongArrays("it is not in NumPy's format") from error
    if kind.hasobject or kind.kind not in kinds:
        raise WrongArrays(f"its numbers are {str(kind)[:40]}")
    rest_bytes = len(content) - stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != rest_bytes:
        raise WrongArrays(f"it claims the shape {str(shape)[:80]} and has {rest_bytes:,} bytes")
    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, MemoryError) as error:
        raise WrongArrays(f"it cannot be read ({str(error)[:100]})") from error
    return array


def read_arrays(content: bytes, kinds: Mapping[str, str], *, max_bytes: int) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz` file: exactly those that `kinds` names, each of the kinds it says.

    At most `max_bytes` are unpacked of each, whatever the archive claims.

    Raises:
        WrongArrays: it is no such archive, or has other members, or larger ones.
    """
    if content.count(_MEMBER) > MAX_MEMBERS:  # each becomes an object before anyone can count them
        raise WrongArrays(f"it holds more than {MAX_MEMBERS} members")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_names(archive, [f"{name}.npy" for name in kinds])
            return {
                name: read_array(_unpack(archive, f"{name}.npy", max_bytes), kinds=kind)
                for name, kind in kinds.items()
            }
    except WrongArrays:
        raise
    except Exception as error:  # zipfile raises errors of struct, zlib and its own
        raise WrongArrays("it is not an archive of arrays (.npz)") from error


def _check_names(archive: zipfile.ZipFile, wanted: list[str]) -> None:
    names = [member.filename for member in archive.infolist()]
    if sorted(names) != sorted(wanted):
        listed = ", ".join(name[:40] for name in names[:8])
        raise WrongArrays(f"it holds {listed or 'nothing'}, not {', '.join(wanted)}")


def _unpack(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise WrongArrays(f"{name} has more than {max_bytes:,} bytes")
    return content

"""Which build of which library writes a format: the same pixels become other bytes in another one."""

import hashlib
import platform
from functools import cache

import av
import isal
import PIL
from isal import isal_zlib
from PIL import features

from foundation.processor import read_instruction_sets
from service.encoding.png import LEVEL

_DEFLATED = frozenset({"png", "zip", "json"})
_PILLOW = frozenset({"jpeg"})
_X86 = frozenset({"x86_64", "amd64"})
_SAMPLE = b"".join(hashlib.shake_128(bytes([part % 7])).digest(40 + part) for part in range(200))


@cache
def name_writer(format: str) -> tuple[str, ...]:
    """What the bytes of a file in the format `format` depend on beside its pixels.

    Nothing for plain pixels (`npy`, tensors); ISA-L's deflate for PNG, and for ZIP and JSON, which hold PNGs;
    else the libraries' versions and the processor, by which they choose their ways: x264 promises equal bytes
    across processors only with its option `cpu-independent`.
    """
    if format == "npy" or format.startswith("tensor-"):
        return ()
    if format in _DEFLATED:
        return _name_deflate()
    pillow = f"pillow {PIL.__version__}"
    if format in _PILLOW:
        return (pillow, f"jpeg {features.version('libjpeg_turbo')}", *read_instruction_sets())
    webp = f"webp {features.version('webp')}"
    return (
        pillow,
        webp,
        f"av {av.__version__}",
        f"ffmpeg {av.ffmpeg_version_info}",
        *read_instruction_sets(),
    )


def _name_deflate() -> tuple[str, ...]:
    """Its version, and what it makes of a sample: builds that differ call themselves alike.

    It has a way of its own for each generation of processors; at `LEVEL` all of x86's give the same bytes.
    ARM's gives these of the sample and others of pictures, so that what is not x86 is named.
    """
    made = hashlib.sha256(isal_zlib.compress(_SAMPLE, LEVEL)).hexdigest()
    machine = platform.machine().lower()
    return (f"isa-l {isal.ISAL_VERSION}", made, *(() if machine in _X86 else (machine,)))

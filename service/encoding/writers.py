"""Which build of which library writes a format: the same pixels become other bytes in another one."""

import hashlib
import zlib
from functools import cache

import av
import PIL
from PIL import features

from foundation.processor import read_instruction_sets

_ZLIB = frozenset({"png", "zip", "json"})
_PILLOW = frozenset({"jpeg"})
_SAMPLE = hashlib.shake_128(b"ganymede").digest(512) + bytes(range(256)) * 4 + bytes(512)


@cache
def name_writer(form: str) -> tuple[str, ...]:
    """What the bytes of a file in the format `form` depend on beside its pixels.

    Nothing for plain pixels (`npy`, tensors); Python's zlib for PNG, and for ZIP and JSON, which hold PNGs;
    else the libraries' versions and the processor, by which they choose their ways: x264 promises equal bytes
    across processors only with its option `cpu-independent`.
    """
    if form == "npy" or form.startswith("tensor-"):
        return ()
    if form in _ZLIB:
        return _name_zlib()
    pillow = f"pillow {PIL.__version__}"
    if form in _PILLOW:
        return (pillow, f"jpeg {features.version('libjpeg_turbo')}", *read_instruction_sets())
    webp = f"webp {features.version('webp')}"
    return (
        pillow,
        webp,
        f"av {av.__version__}",
        f"ffmpeg {av.ffmpeg_version_info}",
        *read_instruction_sets(),
    )


def _name_zlib() -> tuple[str, ...]:
    """Its version, and what it makes of a sample: builds that differ call themselves alike."""
    made = hashlib.sha256(zlib.compress(_SAMPLE, 1)).hexdigest()
    return (f"zlib {zlib.ZLIB_RUNTIME_VERSION}", made)

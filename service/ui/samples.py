"""The picture of samples that a release brings: its own bytes, once they are known to be a picture."""

import io
import struct
from pathlib import Path

from PIL import Image

from foundation.errors import GanymedeError, ReleaseRefused
from foundation.manifest import Manifest
from foundation.store import Store

_SAMPLES = "samples.png"
MAX_SAMPLES_BYTES = 2**24
MAX_SAMPLES_PIXELS = 4_000_000
_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
"""What a PNG starts with, before its width and height (PNG, third edition, 5.2 and 11.2.1)."""


def put_samples(store: Store, manifest: Manifest, folder: Path) -> tuple[Path | None, str]:
    """The picture's file in `folder`, of the bytes that were published, or else why there is none."""
    file = manifest.file(_SAMPLES)
    if file is None:
        return None, ""
    try:
        content = store.read(manifest, _SAMPLES, max_bytes=MAX_SAMPLES_BYTES)
        check_picture(content)
    except GanymedeError as error:
        return None, f"`{_SAMPLES}` is not shown: {error}"
    # Replaced at once: another visitor may be fetching it, and its age starts anew.
    path = folder / f"samples-{file.sha256}.png"
    part = path.with_suffix(f".{id(content):x}.part")
    part.write_bytes(content)
    part.replace(path)
    return path, ""


def check_picture(content: bytes) -> None:
    """Decode a PNG whose header says that it may be.

    Raises:
        ReleaseRefused: it is no PNG, has more than `MAX_SAMPLES_PIXELS`, or cannot be decoded.
    """
    if not content.startswith(_HEAD) or len(content) < len(_HEAD) + 8:
        raise ReleaseRefused("it is no PNG.")
    width, height = struct.unpack_from(">II", content, len(_HEAD))
    _check_pixels(width, height)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            _check_pixels(*picture.size)  # a second header may say something else
            picture.load()
    except GanymedeError:
        raise
    except Exception as error:  # Pillow has many words for a broken file
        raise ReleaseRefused("it is a broken PNG.") from error


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_SAMPLES_PIXELS:
        raise ReleaseRefused(
            f"it has {width:,} × {height:,} pixels, and this page shows pictures of {MAX_SAMPLES_PIXELS:,} "
            "at most."
        )

"""Strangers' pictures: told by their first bytes, measured, and only then decoded, as training does."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from foundation.errors import GanymedeError, InvalidField, UnsupportedPicture
from foundation.images import Images
from foundation.pictures.development import develop, draft, load
from foundation.pictures.framing import Frame, Pixels
from service.requests.exif_layout import check_described
from service.requests.photo_layout import check_layout

_PICTURES_TOGETHER = 4
"""How many of the largest size a request may have: decoding takes about 10 ns a pixel."""
_PIXEL_BYTES = 32
"""While a picture is decoded, turned, converted and laid on white: eight copies of four bytes."""
_DEEP_PIXEL_BYTES = 48
"""Of greys of more than eight bits, which become float64."""
_PROGRESSIVE_BYTES = 6
"""Of coefficients, for each pixel that the file has, however small it is decoded."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
)
_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"II*\0", "a TIFF file, or a camera's raw one"),
    (b"MM\0*", "a TIFF file, or a camera's raw one"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"PK\x03\x04", "an archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an SVG drawing, or other XML"),
    (
        b"\x89PNG\x1a",
        "a PNG without its line ends; send it as curl does with --data-binary @FILE, not with -d",
    ),
    (b"--", "a form; send the file alone, as curl does with --data-binary @FILE"),
)


def find_format(content: bytes) -> str | None:
    """Which of the formats that are read a file is of, by its first bytes: Pillow's name of it."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((name for sign, name in _SIGNATURES if content.startswith(sign)), None)


def explain_format(content: bytes) -> str:
    """Why a file that is of none of them is not read, and what to do."""
    what = "this is no picture, or one of a kind that is not read"
    if content[4:8] == b"ftyp":
        what = "this is HEIC, AVIF or a video"
    else:
        head = content[:64].lstrip().lower()
        for sign, name in _OTHERS:
            if content.startswith(sign) or head.startswith(sign.lower()):
                what = f"this is {name}"
                break
    return f"{what}. What is read is PNG, JPEG, WebP, GIF and BMP"


def measure_photos(
    photos: Sequence[bytes], frame: Frame, *, max_pixels: int, max_bytes: int | None = None
) -> int:
    """The most bytes that reading any of `photos` takes; nothing of them is decoded.

    Raises:
        UnsupportedPicture: one is of no format that is read.
        InvalidField: one has more than `max_pixels`, all more than four times as many, one takes more than
            `max_bytes` beside the files, or one is damaged.
    """
    room = None if max_bytes is None else max(max_bytes - sum(map(len, photos)), 0)
    most_bytes = all_pixels = 0
    for at, content in enumerate(photos):
        field = f"pictures.{at}"
        pixels, size = _measure(content, field, frame, max_pixels)
        all_pixels += pixels
        if all_pixels > _PICTURES_TOGETHER * max_pixels:
            raise InvalidField(
                field,
                f"with this one they have {all_pixels:,} pixels together, and {_PICTURES_TOGETHER} × "
                f"{max_pixels:,} are read; send fewer, or make them smaller",
            )
        if room is not None and size > room:
            raise InvalidField(
                field,
                f"it has {pixels:,} pixels, and reading them takes {size:,} bytes; of its kind "
                f"{room * pixels // size:,} pixels can be read. Make it smaller",
            )
        most_bytes = max(most_bytes, size)
    return most_bytes


def read_photos(photos: Sequence[bytes], frame: Frame) -> Images:
    """Pictures uint8 (n, height, width, channels), one after the other; of each that was measured.

    Raises:
        InvalidField: one is damaged.
    """
    return np.stack([_read(content, f"pictures.{at}", frame) for at, content in enumerate(photos)])


def _measure(content: bytes, field: str, frame: Frame, max_pixels: int) -> tuple[int, int]:
    """The pixels of a picture, and the bytes that reading it takes."""
    format = find_format(content)
    if format is None:
        raise UnsupportedPicture(field, explain_format(content))
    if format == "WEBP":  # whose canvas Pillow allocates as soon as it opens one
        _check_pixels(*_read_webp_size(content, field), field, max_pixels)
    check_layout(content, format, field)
    with _opened(content, format, field, max_pixels) as picture:
        whole = picture.width * picture.height
        _check_pixels(picture.width, picture.height, field, max_pixels)
        draft(picture, frame)
        deep = picture.mode == "F" or picture.mode.startswith("I")
        each = _DEEP_PIXEL_BYTES if deep else _PIXEL_BYTES
        held = _PROGRESSIVE_BYTES * whole if format == "JPEG" else 0
        return whole, picture.width * picture.height * each + held


def _read(content: bytes, field: str, frame: Frame) -> Pixels:
    with _opened(content, find_format(content) or "", field, 0) as picture:
        draft(picture, frame)
        load(picture)
        check_described(picture.info, field)
        return develop(picture, frame).pixels


@contextmanager
def _opened(content: bytes, format: str, field: str, max_pixels: int) -> Iterator[Image.Image]:
    """The picture in a file; whatever Pillow raises of it becomes a sentence."""
    try:
        with Image.open(io.BytesIO(content), formats=[format]) as picture:
            yield picture
    except GanymedeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidField(field, f"it has far more than the {max_pixels:,} pixels that are read") from None
    except UnidentifiedImageError:
        raise InvalidField(field, f"it begins as {format} does, and is damaged after that") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        reason = (str(error).rstrip(".") or type(error).__name__)[:200]
        raise InvalidField(
            field,
            f"it cannot be read as {format}: {reason}. Is it whole? By --data-binary @FILE curl sends all of "
            "a file, by -d not",
        ) from None


def _check_pixels(width: int, height: int, field: str, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise InvalidField(
            field,
            f"it has {width:,}×{height:,} pixels, and {max_pixels:,} are read; make it smaller: the model's "
            "own pictures are far smaller still",
        )


def _read_webp_size(content: bytes, field: str) -> tuple[int, int]:
    """The canvas of a WebP file, as its first chunk has it (RFC 9649, 2.5 to 2.7)."""
    kind, at = content[12:16], content[20:30]
    if len(at) == 10 and kind == b"VP8X":
        return 1 + int.from_bytes(at[4:7], "little"), 1 + int.from_bytes(at[7:10], "little")
    if len(at) == 10 and kind == b"VP8L":
        bits = int.from_bytes(at[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if len(at) == 10 and kind == b"VP8 ":
        sides = (int.from_bytes(at[6:8], "little"), int.from_bytes(at[8:10], "little"))
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    raise InvalidField(field, "it begins as WEBP does, and is damaged after that")

"""Pictures with a colour profile of their own (ICC.1), brought to sRGB, which is what a screen shows."""

import io
import struct

from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 2**20
"""A camera's has some kilobytes, a printer's half a megabyte."""
CONVERTED = {"L": "L", "LA": "LA", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "LAB": "RGB"}
"""Modes that may have a profile, and what they become; other modes are left as they are."""
SAME = "srgb"

_HEAD_BYTES = 128
_TAG = struct.Struct(">4sII")
_MOST_TAGS = 100
"""Little CMS opens no profile of more."""
_STEPS = frozenset(name + kind for name in (b"D2B", b"B2D") for kind in (b"0", b"1", b"2", b"3"))
"""Tags of multiProcessElementsType (ICC.1:2022, 10.16), which Little CMS prefers to all others."""


class UnusableProfile(ValueError):
    """A profile that is too large, damaged, or of another kind of colours than its picture."""


def to_srgb(picture: Image.Image) -> Image.Image:
    """A picture in sRGB: itself where it has no profile, or that one.

    Raises:
        UnusableProfile: its profile says nothing of its colours.
    """
    content = picture.info.get("icc_profile")
    if not content or picture.mode not in CONVERTED:
        return picture
    if not isinstance(content, bytes) or len(content) > MAX_PROFILE_BYTES:
        raise UnusableProfile(f"its colour profile has more than {MAX_PROFILE_BYTES:,} bytes")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(hide_steps(content)))
        if ImageCms.getProfileDescription(profile).strip().lower().startswith(SAME):
            return picture
        return convert(picture, profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise UnusableProfile(f"its colour profile cannot be used: {error}") from error


def hide_steps(content: bytes) -> bytes:
    """A profile without its steps of any number and kind: what else it says of its colours is taken.

    A table of them may name one step a hundred thousand times, each of which is held and done for each of
    36,000 colours: minutes and gigabytes of a file of a kilobyte. Every profile that has such tags has others
    (ICC.1:2022, 8.3).
    """
    hidden = bytearray(content)
    tags = min(int.from_bytes(content[_HEAD_BYTES : _HEAD_BYTES + 4], "big"), _MOST_TAGS)
    for at in range(_HEAD_BYTES + 4, _HEAD_BYTES + 4 + tags * _TAG.size, _TAG.size):
        if content[at : at + 4] in _STEPS:
            hidden[at : at + 4] = content[at : at + 4].lower()
    return bytes(hidden)


def convert(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """A picture's colours by `profile` in sRGB; what is transparent stays so."""
    opaque = picture
    if picture.mode == "P":
        opaque = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = opaque.getchannel("A") if opaque.mode in ("LA", "RGBA") else None
    if alpha is not None:
        opaque = opaque.convert(opaque.mode.removesuffix("A"))
    converted = ImageCms.profileToProfile(opaque, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if converted is None:
        raise ValueError("nothing came of it")
    if picture.mode in ("L", "LA"):
        converted = converted.convert("L")
    if alpha is not None:
        converted.putalpha(alpha)
    converted.info = {key: value for key, value in picture.info.items() if key != "icc_profile"}
    if alpha is not None:
        converted.info.pop("transparency", None)
    exif = picture.getexif()
    if exif:
        converted.getexif().update(exif)
    return converted

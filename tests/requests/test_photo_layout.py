"""Files of pictures that cost far more to open than their pixels do."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from foundation.errors import InvalidField
from foundation.pictures.framing import Frame
from service.requests.photos import measure_photos, read_photos

FRAME = Frame(8, 8, 3)
GIF = b"GIF89a\x01\0\x01\0\x80\0\0" + b"\0" * 6
GIF_PICTURE = b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write(form: str, **options) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(noise).save(file, form, **options)
    return file.getvalue()


PNG, JPEG = write("PNG"), write("JPEG")


def directory(entries: int, size: int = 60_000) -> bytes:
    """EXIF data whose entries are all the same `size` bytes."""
    rows = (struct.pack("<HHII", 1000 + at, 1, size, 0) for at in range(entries))
    head = b"II*\0" + struct.pack("<IH", 8, entries)
    return (head + b"".join(rows) + b"\0" * 4).ljust(size, b"\0")


def in_jpeg(segment: bytes) -> bytes:
    return JPEG[:2] + segment + JPEG[2:]


def app(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(content)) + content


def bmp(packed: int, pixels: bytes, *, colours: int = 0) -> bytes:
    palette = bytes(4 * (colours or 256))
    start = 54 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, 40, 30, 1, 8, packed, len(pixels), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + palette + pixels


ATTACKS = {
    "a long comment": GIF + b"!\xfe" + b"\x01a" * 30_000 + b"\0" + GIF_PICTURE,
    "a comment of large blocks": GIF + b"!\xfe" + (b"\xff" + b"a" * 255) * 300 + b"\0" + GIF_PICTURE,
    "many comments": GIF + b"!\xfe\x01a\0" * 10_000 + GIF_PICTURE,
    "an extension of many blocks": GIF + b"!\xff" + b"\x01a" * 10_000 + b"\0" + GIF_PICTURE,
    "empty extensions": GIF + b"!\x01\0" * 10_000 + GIF_PICTURE,
    "bytes between blocks": GIF + b"\x07" * 10_000 + GIF_PICTURE,
    "many chunks": PNG[:33] + chunk(b"abcd", b"") * 5_000 + PNG[33:],
    "chunks behind the pixels": PNG[:-12] + chunk(b"abcd", b"") * 5_000 + PNG[-12:],
    "empty chunks of pixels": PNG[:33] + chunk(b"IDAT", b"") * 30_000 + PNG[33:],
    "many segments": in_jpeg(b"\xff\xe1\0\x02" * 5_000),
    "fill bytes": in_jpeg(b"\xff" * 100_000),
    "bytes between segments": in_jpeg(b"\xff\xfe\0\x02" + b"a" * 100_000),
    "markers alone": in_jpeg(b"\xff\xd0" * 5_000),
    "escaped bytes": in_jpeg(b"\xff\0" * 5_000),
    "a directory of many entries": in_jpeg(app(0xE1, b"Exif\0\0" + directory(4000))),
    "a directory of large entries": in_jpeg(app(0xE1, b"Exif\0\0" + directory(200))),
    "a directory of pictures": in_jpeg(app(0xE2, b"MPF\0" + directory(4000))),
    "a directory in a PNG file": PNG[:33] + chunk(b"eXIf", directory(4000)) + PNG[33:],
    "a directory behind two beginnings": in_jpeg(app(0xE1, b"Exif\0\0" * 3 + directory(1000))),
    "beginnings alone": PNG[:33] + chunk(b"eXIf", b"Exif\0\0" * 1_000) + PNG[33:],
    "runs that leave lines out": bmp(1, b"\0\2\0\xff"),
    "runs of four bits": bmp(2, b"\xff\x12" * 100),
    "a palette of 65,536 colours": bmp(0, bytes(1200), colours=65_536),
    "a directory in a WebP file": write("WEBP", exif=directory(4000)),
}


@pytest.mark.parametrize("content", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_file_of_far_too_many_parts_is_refused_before_it_is_opened(content, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("Pillow opened it")

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(InvalidField, match=r"^pictures\.0: it has .*; save it anew") as raised:
        measure_photos([content], FRAME, max_pixels=10_000)
    assert raised.value.field == "pictures.0"


def in_text(kind: bytes, described: bytes) -> bytes:
    """EXIF data in a text of a PNG file, as ImageMagick wrote them."""
    text = b"\nexif\n%8d\n" % len(described) + described.hex().encode()
    name = b"Raw profile type exif\0"
    content = {b"tEXt": text, b"zTXt": b"\0" + zlib.compress(text), b"iTXt": b"\0\0\0\0" + text}[kind]
    return chunk(kind, name + content)


@pytest.mark.parametrize("behind", [False, True], ids=["before the pixels", "behind the pixels"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_exif_data_in_a_text_are_looked_through_before_they_are_read(kind, behind, monkeypatch):
    def hide(described: bytes) -> bytes:
        text, at = in_text(kind, described), len(PNG) - 12 if behind else 33
        return PNG[:at] + text + PNG[at:]

    def refuse(*_):
        raise AssertionError("Pillow looked into them")

    with monkeypatch.context() as patched:
        patched.setattr(Image.Exif, "load", refuse)
        with pytest.raises(InvalidField, match="EXIF data") as raised:
            read_photos([hide(b"Exif\0\0" + directory(4000))], FRAME)
    assert raised.value.field == "pictures.0"
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    upright, turned = read_photos([PNG], FRAME), read_photos([hide(exif.tobytes())], FRAME)
    assert np.array_equal(turned, upright[:, ::-1, ::-1])
    assert np.array_equal(read_photos([hide(b"")], FRAME), upright)


def ordinary_files():
    """What programs and cameras write."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    exif.get_ifd(0x8769)[0x9286] = b"a comment" * 1000
    frames = [Image.fromarray(np.full((9, 9, 3), level, np.uint8)) for level in range(250)]
    animated = {"save_all": True, "append_images": frames[1:], "duration": 40, "loop": 0}
    for form, options in (("GIF", {"comment": b"a" * 3000}), ("PNG", {}), ("WEBP", {})):
        file = io.BytesIO()
        frames[0].save(file, form, **animated, **options)
        yield file.getvalue()
    yield write("BMP")
    for form in ("PNG", "JPEG", "WEBP"):
        yield write(form, exif=exif)
    yield write("JPEG", progressive=True, comment=b"a" * 600, icc_profile=b"a" * 20_000)
    yield in_jpeg(b"\xff" * 20)


def test_what_programs_and_cameras_write_is_read():
    files = list(ordinary_files())
    assert len(files) == 9
    assert measure_photos(files, FRAME, max_pixels=10_000) > 0

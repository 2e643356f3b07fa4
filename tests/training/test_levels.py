"""Pictures as people have them: greys of many depths, colours of many modes, EXIF data of any kind."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from tests.deep_pictures import write_deep_png
from training.data import load_pictures
from training.errors import DataError
from training.shape import PictureSettings

SIDE = 64
RAMP = np.linspace(0, 255, SIDE).round().astype(np.uint8)[None].repeat(SIDE, 0)
DEEP = RAMP.astype(np.uint16) * 257


def tiff(levels, bits, kind=1, order="<", photometric=1):
    """An uncompressed TIFF file of one strip; `kind` 1 unsigned, 2 signed, 3 floating-point."""
    data = levels.tobytes()
    tags = [
        (256, 3, SIDE), (257, 3, SIDE), (258, 3, bits), (259, 3, 1), (262, 3, photometric),
        (273, 4, 8), (277, 3, 1), (278, 3, SIDE), (279, 4, len(data)), (339, 3, kind),
    ]  # fmt: skip
    table = struct.pack(f"{order}H", len(tags))
    for tag, size, value in tags:
        packed = struct.pack(f"{order}HH", value, 0) if size == 3 else struct.pack(f"{order}I", value)
        table += struct.pack(f"{order}HHI", tag, size, 1) + packed
    head = b"II" if order == "<" else b"MM"
    return head + struct.pack(f"{order}HI", 42, 8 + len(data)) + data + table + bytes(4)


def encode(picture, form, **options):
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def name_content(value):
    return "file" if isinstance(value, bytes) else None


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Load the one picture of a folder, of `content`: uint8 (64, 64, c)."""
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    (tmp_path / "set").mkdir()

    def load(content, channels=1):
        (tmp_path / "set" / "picture").write_bytes(content)
        settings = PictureSettings(size=SIDE, channels=channels, held_out=0)
        return load_pictures(f"folder:{tmp_path / 'set'}", settings=settings).images[0]

    return load


@pytest.mark.parametrize(
    "content",
    [
        tiff(DEEP.astype("<u2"), 16),
        tiff(DEEP.astype(">u2"), 16, order=">"),
        tiff(65535 - DEEP.astype("<u2"), 16, photometric=0),
        tiff((DEEP // 2).astype("<i2"), 16, 2),
        tiff((DEEP // 2).astype(">i2"), 16, 2, ">"),
        tiff(DEEP.astype("<u4") * 65537, 32),
        tiff((DEEP.astype("<i8") * 32768).astype("<i4"), 32, 2),
        tiff((RAMP / 255).astype("<f4"), 32, 3),
        b"P5\n64 64\n65535\n" + DEEP.astype(">u2").tobytes(),
        b"P5\n64 64\n1023\n" + (RAMP.astype(int) * 1023 // 255).astype(">u2").tobytes(),
        encode(Image.fromarray(DEEP), "PNG"),
        encode(Image.fromarray(DEEP), "JPEG2000", irreversible=False),
    ],
    ids=name_content,
)
def test_deep_greys_keep_their_tones(read, content):
    np.testing.assert_allclose(read(content)[..., 0].astype(int), RAMP, atol=2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(DEEP.astype("<i4").astype("<i2"), 16, 2), r"its greys are -32\d+ to 32\d+ of 0 to 32767"),
        (tiff((RAMP.astype("<u2") * 16), 16), "nearly black: stored in fewer bits"),
        (tiff(RAMP.astype("<f4"), 32, 3), "its greys are 0 to 255, and fractions go from 0 to 1"),
        (tiff(np.full((SIDE, SIDE), np.nan, "<f4"), 32, 3), "nan to nan"),
        (tiff(RAMP, 8, 2), "signed numbers of eight bits"),
    ],
    ids=name_content,
)
def test_greys_whose_range_is_not_known_are_left_out_in_words(read, content, words):
    with pytest.raises(DataError, match=words):
        read(content)


def test_deep_colours_keep_their_tones_unless_they_were_stored_in_fewer_bits(read):
    colours = np.stack([DEEP, DEEP[:, ::-1], DEEP // 2], -1)
    np.testing.assert_allclose(read(write_deep_png(colours), 3), colours // 257, atol=2)
    assert not read(write_deep_png(np.zeros_like(colours)), 3).any()
    for bits in (10, 12):
        with pytest.raises(DataError, match="nearly black: stored in fewer bits than the file says"):
            read(write_deep_png(colours >> (16 - bits)), 3)


def test_a_dark_silhouette_of_deep_colours_is_taken(read):
    dark = np.full((SIDE, SIDE, 4), 2_000, np.uint16)
    dark[:, :, 3] = DEEP
    assert read(write_deep_png(dark), 4)[:, :, :3].max() == 2_000 // 256


def test_colours_of_sixteen_bits_together_are_none_of_sixteen_each(read):
    pixels = np.full((SIDE, SIDE), 1 << 11 | 1 << 5 | 1, "<u2").tobytes()
    head = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 16, 3, len(pixels), 0, 0, 0, 0)
    head += struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    start = 14 + len(head)
    content = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + pixels
    assert read(content, 3).max() == 8


def test_an_entirely_black_deep_picture_is_black(read):
    assert not read(tiff(np.zeros((SIDE, SIDE), "<u2"), 16)).any()


def test_colours_of_every_mode_are_the_same_colours(read):
    colour = (200, 60, 30)
    flat = Image.new("RGB", (SIDE, SIDE), colour)
    cmyk = flat.convert("CMYK")
    palette = flat.convert("P", palette=Image.Palette.ADAPTIVE)
    contents = [
        encode(flat, "PNG"),
        encode(palette, "PNG"),
        encode(palette, "GIF"),
        encode(flat.convert("RGBA"), "WEBP", lossless=True),
        encode(cmyk, "TIFF"),
        encode(cmyk, "JPEG", quality=98),  # Pillow writes it as Adobe does, inverted
        encode(flat, "GIF", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE), (0, 0, 255))]),
        encode(flat, "PNG", icc_profile=b"no profile"),
    ]
    for content in contents:
        np.testing.assert_allclose(read(content, 3).mean((0, 1)), colour, atol=4)


def test_what_is_transparent_is_white_in_every_mode(read):
    deep = np.zeros((SIDE, SIDE), np.uint16)
    contents = [
        encode(Image.new("LA", (SIDE, SIDE), (0, 0)), "PNG"),
        encode(Image.new("P", (SIDE, SIDE), 0), "PNG", transparency=0),
        encode(Image.new("L", (SIDE, SIDE), 0), "PNG", transparency=0),
        encode(Image.new("1", (SIDE, SIDE), 0), "PNG", transparency=0),
        encode(Image.fromarray(deep), "PNG", transparency=0),
        encode(Image.new("P", (SIDE, SIDE), 0), "GIF", transparency=0),
    ]
    for content in contents:
        assert (read(content) == 255).all()


@pytest.mark.parametrize("exif", [b"Exif\0\0no tiff", b"", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 50])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_exif_data_that_make_no_sense_leave_the_picture_as_it_lies(read, form, exif):
    options = {"quality": 98} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    content = encode(Image.fromarray(RAMP), form, exif=exif, **options)
    np.testing.assert_allclose(read(content)[..., 0].astype(int), RAMP, atol=3)


def test_a_deep_picture_stands_the_way_its_camera_was_held_too(read):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    content = encode(Image.fromarray(DEEP), "PNG", exif=exif)
    np.testing.assert_allclose(read(content)[..., 0].astype(int), RAMP[:, ::-1], atol=2)


def test_a_program_is_no_picture(read):
    with pytest.raises(DataError, match=r"picture \(a PostScript drawing is not read"):
        read(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")

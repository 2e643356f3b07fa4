"""Pictures with colour profiles: in sRGB afterwards, or as they were, with a word."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from rich.console import Console

from foundation.pictures.colours import MAX_PROFILE_BYTES, UnusableProfile, hide_steps, to_srgb
from training.config import override
from training.data import load_pictures
from training.presets import find_preset

WHITE = (0.9642, 1.0, 0.8249)
"""D50, which every profile is held against (ICC.1, 7.2.16)."""
WIDE = np.array([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]])
SRGB = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.7141]])
"""Red, green and blue of Adobe RGB (1998) and of sRGB, as X, Y and Z beside D50."""
GAMMA = 2.19921875


def write_steps(count):
    """One step that makes nothing of a colour, named `count` times (ICC.1:2022, 10.16)."""
    step = b"matf\0\0\0\0" + struct.pack(">HH12f", 3, 3, *np.eye(3).ravel() / 2, 0.1, 0.2, 0.3)
    head = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, count)
    return head + struct.pack(">II", 16 + 8 * count, len(step)) * count + step


def write_profile(kind=b"RGB ", description=b"A wide one", padding=0, steps=0):
    """A profile of one matrix and one gamma (ICC.1:2001-04), or of greys."""

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv" + struct.pack(">IIH", 0, 1, round(GAMMA * 256)) + b"\0\0"
    text = b"desc" + struct.pack(">II", 0, len(description) + 1) + description + b"\0" + bytes(79)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": xyz(WHITE), b"cprt": b"text\0\0\0\0none"}
    if kind == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {name + b"XYZ": xyz(row) for name, row in zip((b"r", b"g", b"b"), WIDE, strict=True)}
        tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
    tags[b"pad "] = bytes(padding)
    if steps:
        tags[b"D2B0"] = write_steps(steps)
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    head = bytearray(128)
    head[4:24] = b"\0\0\0\0" + b"\x02\x20\0\0" + b"mntr" + kind + b"XYZ "
    head[36:40] = b"acsp"
    head[68:80] = xyz(WHITE)[8:]
    head[:4] = struct.pack(">I", start + len(data))
    return bytes(head) + table + data


def in_srgb(levels):
    """What levels of the wide space are in sRGB (IEC 61966-2-1)."""
    linear = np.clip((np.array(levels) / 255) ** GAMMA @ WIDE @ np.linalg.inv(SRGB), 0, 1)
    shares = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * shares


def save(path, mode, colour, profile, **options):
    Image.new(mode, (16, 16), colour).save(path, icc_profile=profile, **options)


def load(folder, console=None, *settings):
    chosen = override(
        find_preset("modern").defaults, [f"data=folder:{folder}", "size=16", "held_out=0", *settings]
    )
    return load_pictures(chosen.data, None, "train", chosen, console or Console(file=io.StringIO())).images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.png", "RGB", {}),
        ("a.png", "RGBA", {}),
        ("a.png", "P", {}),
        ("a.tif", "RGB", {}),
        ("a.webp", "RGB", {"lossless": True}),
    ],
)
def test_colours_are_those_that_the_profile_means(folder, name, mode, options):
    picture = Image.new("RGB", (16, 16), (120, 160, 120))
    picture = picture.quantize(8) if mode == "P" else picture.convert(mode)
    picture.save(folder / name, icc_profile=write_profile(), **options)
    [pixels] = load(folder)
    np.testing.assert_allclose(pixels.reshape(-1, 3), np.tile(in_srgb((120, 160, 120)), (256, 1)), atol=2)
    assert abs(int(pixels[0, 0, 0]) - 120) > 5


def test_greys_have_profiles_too(folder):
    save(folder / "a.png", "L", 60, write_profile(b"GRAY"))
    [pixels] = load(folder, None, "channels=1")
    assert pixels.max() - pixels.min() == 0
    assert 56 <= pixels[0, 0, 0] <= 64  # of a gamma of 2.2 sRGB is never far


def test_srgb_stays_as_it_is_to_the_bit(folder):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(colours).save(folder / "a.png", icc_profile=profile)
    [pixels] = load(folder)
    np.testing.assert_array_equal(pixels, colours)


def test_what_is_transparent_and_how_it_was_held_stay(folder):
    picture = Image.new("RGBA", (16, 16), (120, 160, 120, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture.save(folder / "a.png", icc_profile=write_profile(), exif=exif)
    [pixels] = load(folder)
    assert (pixels[12:] == 255).all()
    np.testing.assert_allclose(pixels[0, 0], in_srgb((120, 160, 120)), atol=2)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (b"no profile at all", "cannot be used"),
        (write_profile()[:200], "cannot be used"),
        (write_profile(b"GRAY"), "cannot be used"),
        (write_profile(padding=MAX_PROFILE_BYTES), "more than 1,048,576 bytes"),
    ],
    ids=["text", "cut off", "of greys", "large"],
)
def test_a_profile_that_cannot_be_used_changes_nothing_and_is_told(folder, profile, words):
    save(folder / "a.tif", "RGB", (120, 160, 120), profile)
    for _ in range(2):  # the second time from what was prepared
        said = io.StringIO()
        [pixels] = load(folder, Console(file=said, width=300))
        assert (pixels == (120, 160, 120)).all()
        assert "Colours were taken as they are, as sRGB, in 1 file: a.tif (its colour" in said.getvalue()
        assert words in said.getvalue()


def test_any_bytes_in_a_profile_are_borne():
    whole, random = write_profile(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        wrong = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            wrong[place] = random.integers(256)
        picture = Image.new("RGB", (4, 4), (120, 160, 120))
        picture.info["icc_profile"] = bytes(wrong)
        try:
            assert to_srgb(picture).size == (4, 4)
        except UnusableProfile:
            refused += 1
    assert 0 < refused < 300


def test_a_profile_of_any_number_of_steps_is_taken_by_what_else_it_says():
    levels = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)
    picture = Image.fromarray(levels)
    picture.info["icc_profile"] = write_profile()
    expected = np.asarray(to_srgb(picture))
    assert not np.array_equal(expected, levels)
    picture.info["icc_profile"] = write_profile(steps=5_000)  # done for each colour they take seconds
    assert np.array_equal(np.asarray(to_srgb(picture)), expected)
    for damaged in (b"", bytes(131), b"\xff" * 200, write_profile(steps=3)[:150]):
        assert len(hide_steps(damaged)) == len(damaged)

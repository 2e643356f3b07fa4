"""A picture that is projected has the pixels that it would have had among the training pictures."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from rich.console import Console

from foundation.errors import InvalidField
from foundation.manifest import Manifest
from foundation.pictures.development import scale_pixels
from foundation.pictures.framing import Frame
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.release_projection import ReleaseProjection
from service.requests.photos import measure_photos, read_photos
from tests.deep_pictures import write_deep_png
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph
from training.data.batches import scale_pixels as scale_for_training
from training.data.folder import load_folder
from training.data.pictures import Request
from training.shape import PictureSettings

ORIENTATION = 0x0112


def noise(mode, size=(60, 40), seed=0):
    bands = len(Image.new(mode, (1, 1)).getbands())
    content = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands), np.uint8)
    return Image.frombytes(mode, size, content.tobytes())


def write(picture, form, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def turned(form) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return write(noise("RGB"), form, exif=exif)


def deep_grey() -> bytes:
    levels = np.random.default_rng(3).integers(0, 65_536, (40, 60)).astype(np.uint16)
    return write(Image.fromarray(levels), "PNG")


FILES = {
    "colour.png": write(noise("RGB"), "PNG"),
    "grey.png": write(noise("L"), "PNG"),
    "glass.png": write(noise("RGBA"), "PNG"),
    "grey glass.png": write(noise("LA"), "PNG"),
    "deep.png": deep_grey(),
    "deep colours.png": write_deep_png(
        np.random.default_rng(5).integers(0, 65_536, (40, 60, 4)).astype(np.uint16)
    ),
    "palette.png": write(noise("RGB").quantize(16), "PNG"),
    "palette glass.png": write(noise("RGB").quantize(16), "PNG", transparency=3),
    "black and white.png": write(noise("RGB").convert("1"), "PNG"),
    "profile.png": write(
        noise("RGB"), "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    ),
    "turned.jpg": turned("JPEG"),
    "turned.webp": turned("WEBP"),
    "large.jpg": write(noise("RGB", (900, 700)), "JPEG"),
    "inks.jpg": write(noise("CMYK"), "JPEG"),
    "moving.gif": write(noise("RGB"), "GIF", save_all=True, append_images=[noise("RGB", seed=2)]),
    "moving.webp": write(noise("RGBA"), "WEBP", save_all=True, append_images=[noise("RGBA", seed=2)]),
    "moving.png": write(noise("RGBA"), "PNG", save_all=True, append_images=[noise("RGBA", seed=2)]),
    "plain.bmp": write(noise("RGB"), "BMP"),
    "narrow.png": write(noise("RGB", (3, 90)), "PNG"),
}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("crop", ["centre", "none"])
@pytest.mark.parametrize("name", FILES)
def test_each_kind_of_file_is_read_as_training_reads_it(name, crop, channels, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / name).write_bytes(FILES[name])
    settings = PictureSettings(size=(24, 16), channels=channels, crop=crop, held_out=0)
    console = Console(quiet=True)
    trained = load_folder(
        Request(value=str(folder), folder=None, split="train", settings=settings, console=console)
    )
    frame = Frame(16, 24, channels, crop)
    assert measure_photos([FILES[name]], frame, max_pixels=1_000_000) > 0
    assert np.array_equal(read_photos([FILES[name]], frame), trained.images)


def test_deep_colours_that_training_leaves_out_are_refused():
    levels = np.random.default_rng(4).integers(0, 4_096, (40, 60, 3)).astype(np.uint16)
    frame = Frame(16, 24, 3, "centre")
    assert read_photos([write_deep_png(levels * 16)], frame).max() > 200
    with pytest.raises(InvalidField, match="nearly black: stored in fewer bits than the file says"):
        read_photos([write_deep_png(levels)], frame)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_graphs_read_pixels_scaled_as_in_training(channels):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 9, 9, channels), np.uint8)
    assert np.array_equal(scale_pixels(pixels), scale_for_training(pixels).numpy())


@pytest.mark.parametrize(("training", "crop"), [({}, "centre"), ({"crop": "none"}, "none")])
def test_a_release_says_how_its_training_pictures_were_cropped(training, crop, tmp_path):
    manifest: Manifest = publish_tiny_model(tmp_path, TinyModel(), training={"configuration": training})
    device = cpu_device(1)
    generator = Generator(manifest, tiny_graph(TinyModel()), device)
    assert ReleaseProjection(None, manifest, generator, device).frame == Frame(8, 8, 1, crop)

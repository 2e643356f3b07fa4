"""Pictures with transparency: kept where a format has it, laid on white where it has none."""

import io
import zipfile
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from foundation.images import blend_on_white
from service.encoding.animation import FrameShape, open_encoder
from service.encoding.pictures import Layout, encode_images
from service.encoding.provenance import Provenance
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model

ORIGIN = Provenance("see@v1", seeds=list(range(5)))
FADING = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (32, 1))


@pytest.fixture(scope="module")
def frames():
    """Five pictures uint8 (5, 32, 48, 4), each of one colour that fades in from the left."""
    colours = np.random.default_rng(3).integers(0, 256, (5, 1, 1, 3), np.uint8)
    pictures = np.concatenate(
        [np.broadcast_to(colours, (5, 32, 48, 3)), np.broadcast_to(FADING[None, ..., None], (5, 32, 48, 1))],
        -1,
    )
    return np.where(pictures[..., 3:] > 0, pictures, np.uint8(0))


def test_white_shows_through_as_far_as_a_picture_is_transparent():
    black = np.zeros((1, 1, 256, 4), np.uint8)
    black[0, 0, :, 3] = np.arange(256)
    assert np.array_equal(blend_on_white(black)[0, 0], np.repeat(255 - np.arange(256), 3).reshape(256, 3))
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 4), np.uint8)
    alpha = image[..., 3:] / 255
    exact = image[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(blend_on_white(image) - exact).max() <= 0.51


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_a_grid_is_transparent_between_its_pictures(frames, format):
    grid = Image.open(io.BytesIO(encode_images(frames, format, ORIGIN, Layout(columns=3, padding=4))))
    assert grid.size == (3 * 48 + 8, 2 * 32 + 4)
    pixels = np.asarray(grid)
    if format == "jpeg":
        assert grid.mode == "RGB"
        assert pixels[33:35, :].min() > 245  # white, but for what JPEG loses
        assert np.abs(pixels[:32, :48].astype(int) - blend_on_white(frames[0])).mean() < 6
    else:
        assert grid.mode == "RGBA"
        assert not pixels[33:35].any()
        assert not pixels[36:, 104:].any()
        assert np.array_equal(pixels[:32, 52:100], frames[1])


def test_archives_arrays_and_json_hold_what_was_drawn(frames):
    archive = zipfile.ZipFile(io.BytesIO(encode_images(frames, "zip", ORIGIN)))
    first = Image.open(io.BytesIO(archive.read(min(archive.namelist()))))
    assert np.array_equal(np.asarray(first), frames[0])
    assert np.array_equal(np.load(io.BytesIO(encode_images(frames, "npy", ORIGIN))), frames)


@pytest.mark.parametrize("format", ["png", "zip", "npy", "apng", "webp", "gif", "mp4"])
def test_a_walk_keeps_its_transparency_or_lies_on_white(frames, format, tmp_path):
    path = tmp_path / f"walk.{format}"
    encoder = open_encoder(format, path, FrameShape(5, 32, 48, 4, fps=10), ORIGIN)
    encoder.add(frames[:2])
    encoder.add(frames[2:])
    encoder.finish()
    encoder.close()
    if format == "mp4":
        with av.open(path) as container:
            shown = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        assert np.abs(shown.mean((1, 2)) - blend_on_white(frames).mean((1, 2))).max() < 8
    elif format == "npy":
        assert np.array_equal(np.load(path), frames)
    elif format == "zip":
        with zipfile.ZipFile(path) as archive:
            last = Image.open(io.BytesIO(archive.read("0004.png")))
            assert np.array_equal(np.asarray(last), frames[4])
    elif format == "png":
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(path.read_bytes())))[:, 48:96], frames[1])
    else:
        moving: Any = Image.open(io.BytesIO(path.read_bytes()))
        assert moving.n_frames == 5
        for index, frame in enumerate(frames):
            moving.seek(index)
            if format == "gif":
                shown = np.asarray(moving.convert("RGB")).astype(int)
                assert np.abs(shown - blend_on_white(frame)).max() < 16
            else:
                # Where nothing is seen an animation may hold any colour.
                assert np.array_equal(
                    blend_on_white(np.asarray(moving.convert("RGBA"))), blend_on_white(frame)
                )
                assert np.array_equal(np.asarray(moving.convert("RGBA"))[..., 3], frame[..., 3])


def test_the_service_draws_a_model_with_transparency(tmp_path):
    publish_tiny_model(tmp_path / "models", TinyModel(name="see", channels=4, classes=("sun", "moon")))
    with run_server(tmp_path / "models", tmp_path) as server, server.client() as client:
        drawn = client.post("/generate", json={"seeds": [1, 2], "label": "moon", "format": "npy"})
        images = np.load(io.BytesIO(drawn.content))
        assert images.shape == (2, 8, 8, 4)
        png = client.post("/generate", json={"seeds": [1, 2], "label": "moon", "columns": 1})
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.content))), images.reshape(16, 8, 4))
        walk = client.post(
            "/latent-walk", json={"seeds": [1, 2], "label": "sun", "frames": 4, "format": "apng"}
        )
        assert Image.open(io.BytesIO(walk.content)).convert("RGBA").size == (8, 8)

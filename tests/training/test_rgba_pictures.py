"""Rectangles and transparency from a folder of pictures to what is measured and exported."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from foundation.images import blend_on_white
from training.data.batches import scale_pixels
from training.data.framing import frame, frame_array
from training.export.graph import divide_by_alpha
from training.run.samples import quantize, tile, write_animation
from training.shape import PictureSettings, PictureShape


@pytest.fixture(scope="module")
def fading():
    """A picture of one orange that fades in from the left, 70x40."""
    pixels = np.zeros((40, 70, 4), np.uint8)
    pixels[..., :3] = (250, 120, 10)
    pixels[..., 3] = np.linspace(0, 255, 70).astype(np.uint8)
    return Image.fromarray(pixels)


def test_a_picture_is_cut_or_padded_to_a_rectangle(fading):
    wide = frame(fading, PictureSettings(size="32x16", channels=3))
    assert wide.shape == (16, 32, 3)
    kept = frame(fading, PictureSettings(size=(16, 32), channels=4, crop="none"))
    assert kept.shape == (32, 16, 4)
    assert not kept[:8].any()
    assert kept[16, 15, 3] > 200


def test_four_channels_keep_what_is_transparent_and_three_show_white(fading):
    seen = frame(fading, PictureSettings(size=16, channels=4))
    assert seen[8, 0, 3] < 80 < 160 < seen[8, 15, 3]
    on_white = frame(fading, PictureSettings(size=16, channels=3))
    assert np.abs(blend_on_white(seen).astype(int) - on_white).max() <= 2


def test_an_array_with_transparency_is_on_white_unless_four_channels_are_set():
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 4), np.uint8)
    assert frame_array(images, PictureSettings()).shape == (2, 16, 16, 3)
    assert frame_array(images, PictureSettings(channels=4, size=(24, 16))) is images


def test_a_shape_of_before_there_were_rectangles_is_read():
    assert PictureShape.model_validate_json('{"size": 28, "channels": 1}') == PictureShape(
        height=28, width=28, channels=1
    )


def test_what_is_drawn_in_training_is_premultiplied_and_what_is_shown_is_straight():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 4), np.uint8)
    trained = scale_pixels(tf.constant(pixels)).numpy()
    assert (trained[..., :3] <= trained[..., 3:] + 1e-6).all()
    shown = quantize(trained)
    np.testing.assert_array_equal(shown[..., 3], pixels[..., 3])
    seen = pixels[..., 3] >= 8
    np.testing.assert_array_equal(shown[seen], pixels[seen])
    assert not shown[pixels[..., 3] == 0].any()
    in_graph = np.rint(np.clip((divide_by_alpha(tf.constant(trained)).numpy() + 1) * 127.5, 0, 255))
    assert np.abs(in_graph - shown).max() <= 1
    assert (in_graph != shown).mean() < 1e-2


def test_grids_are_transparent_between_pictures_and_their_animation_is_on_white(tmp_path):
    images = np.full((4, 8, 8, 4), 255, np.uint8)
    grid = tile(images, 2)
    assert grid.mode == "RGBA"
    assert grid.getpixel((0, 0)) == (0, 0, 0, 0)
    grid.save(tmp_path / "grid.png")
    write_animation(tmp_path / "grids.gif", [tmp_path / "grid.png"])
    with Image.open(tmp_path / "grids.gif") as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)

from typing import Any

import numpy as np
from PIL import Image

from training.run.samples import FRAME_MS, LAST_FRAME_MS, MAX_FRAMES, quantize, tile, write_animation


def test_tiles_lie_row_by_row_with_padding_between():
    images = np.stack([np.full((2, 3, 1), value, np.uint8) for value in (10, 20, 30)])
    grid = np.asarray(tile(images, columns=2))
    assert grid.shape == (7, 9)
    assert grid[1, 1] == 10
    assert grid[1, 5] == 20
    assert grid[4, 1] == 30
    assert grid[4, 5] == 0
    assert not grid[:, 4].any()


def test_tiles_keep_their_colours_and_grow_by_whole_pixels():
    grid = np.asarray(tile(np.full((1, 2, 2, 3), (9, 8, 7), np.uint8), columns=1, scale=3, padding=0))
    assert grid.shape == (6, 6, 3)
    assert (grid == (9, 8, 7)).all()


def test_pixels_are_rounded_and_clipped():
    assert quantize(np.array([-2, -1, 0, 1, 2], np.float32)).tolist() == [0, 0, 128, 255, 255]


def test_the_animation_shows_every_grid_and_rests_on_the_last(tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for index, path in enumerate(paths):
        Image.fromarray(np.full((4, 4), index * 100, np.uint8)).save(path)
    write_animation(tmp_path / "samples.gif", paths)
    animation: Any
    with Image.open(tmp_path / "samples.gif") as animation:
        assert animation.n_frames == 3
        durations_ms, greys = [], []
        for frame in range(3):
            animation.seek(frame)
            durations_ms.append(animation.info["duration"])
            greys.append(animation.convert("L").getpixel((0, 0)))
    assert durations_ms == [FRAME_MS, FRAME_MS, LAST_FRAME_MS]
    assert greys == [0, 100, 200]


def test_the_animation_of_a_long_run_is_thinned_out(tmp_path):
    paths = [tmp_path / f"{index:03}.png" for index in range(MAX_FRAMES + 37)]
    for index, path in enumerate(paths):
        Image.fromarray(np.full((2, 2), index, np.uint8)).save(path)
    write_animation(tmp_path / "samples.gif", paths)
    animation: Any
    with Image.open(tmp_path / "samples.gif") as animation:
        assert animation.n_frames == MAX_FRAMES

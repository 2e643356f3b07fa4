"""The PNG writer against Pillow's reader, on both sides of where it begins to filter."""

import io

import numpy as np
import pytest
from PIL import Image

from service.encoding.png import write_png


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (28, 28), (1, 5000), (5000, 1), (63, 65), (64, 64)])
def test_every_pixel_is_read_as_it_was_written(height, width, channels):
    image = np.random.default_rng(height).integers(0, 256, (height, width, channels), np.uint8)
    read = np.asarray(Image.open(io.BytesIO(write_png(image)))).reshape(image.shape)
    assert np.array_equal(read, image)


def test_a_smooth_picture_takes_less_for_the_row_above():
    across, down = np.meshgrid(np.arange(256), np.arange(256))
    smooth = np.stack([np.sqrt(across * down), across / 2 + down / 2, down], axis=-1).astype(np.uint8)
    mixed = np.random.default_rng(0).permutation(smooth)  # the same rows, in no order
    assert len(write_png(smooth)) < 0.5 * len(write_png(mixed))

"""Every pixel of a picture becomes a square of its own colour."""

import numpy as np
import pytest

from service.encoding.pictures import enlarge


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [1, 2, 7, 64])
def test_each_pixel_is_repeated_in_both_directions(scale, channels):
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4, channels), np.uint8)
    for given in (images, images[1:], images[:, :, ::2]):  # whole, and parts of what lies in memory
        count, height, width, _ = given.shape
        enlarged = enlarge(given, scale)
        assert enlarged.shape == (count, height * scale, width * scale, channels)
        squares = enlarged.reshape(count, height, scale, width, scale, channels)
        np.testing.assert_array_equal(squares, np.broadcast_to(given[:, :, None, :, None, :], squares.shape))

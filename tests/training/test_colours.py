"""Layers that touch the picture, of networks that are to go on with pictures of other colours."""

import numpy as np
import pytest

from training.launch.colours import fit_colours


def show_as(straight, channels):
    """Return one patch (h, w, 4) of straight colours and alpha in [0, 1] as a network's pixels in [-1, 1]."""
    colours, alpha = straight[..., :3], straight[..., 3:]
    white = colours * alpha + 1.0 - alpha
    if channels == 4:
        return 2.0 * np.concatenate([colours * alpha, alpha], -1) - 1.0
    return 2.0 * (white if channels == 3 else white @ np.array([[0.299], [0.587], [0.114]])) - 1.0


@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize(("old", "new"), [(1, 3), (3, 1), (4, 3), (4, 1), (3, 4), (1, 4)])
def test_who_judges_sees_pictures_of_other_colours_as_if_they_had_the_old_ones(old, new, together):
    draw = np.random.default_rng(old * 10 + new)
    kernel = draw.normal(size=(3, 3, together * old, 5)).astype(np.float32)
    bias = draw.normal(size=5).astype(np.float32)
    straight = draw.random((3, 3, together, 4))
    if old == 4:
        straight[..., 3] = 1.0
    if 3 not in (old, new) or (old, new) == (1, 3):  # what is grey
        straight[..., :3] = straight[..., :1]

    def judge(kernel, bias, channels):
        return np.einsum("hwc,hwcf->f", show_as(straight, channels).reshape(3, 3, -1), kernel) + bias

    fitted = fit_colours(kernel, bias, (3, 3, together * new, 5))
    if (old, new) == (3, 1):
        straight[..., :3] = straight[..., :1]
    np.testing.assert_allclose(judge(*fitted, new), judge(kernel, bias, old), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("old", "new"), [(1, 3), (3, 1), (4, 3), (4, 1), (3, 4), (1, 4)])
def test_a_generator_draws_in_other_colours_what_it_drew(old, new):
    draw = np.random.default_rng(old * 10 + new)
    kernel, bias = draw.normal(size=(3, 3, 7, old)), draw.normal(size=old)
    features = draw.normal(size=(3, 3, 7))

    def paint(kernel, bias):
        return np.einsum("hwc,hwcf->f", features, kernel) + bias

    before = paint(kernel, bias)
    grey = before[0] if old == 1 else before[:3] @ np.array([0.299, 0.587, 0.114])
    after = paint(*fit_colours(kernel, bias, (3, 3, 7, new)))
    np.testing.assert_allclose(after[:3], grey if 1 in (old, new) else before[:3], rtol=1e-5, atol=1e-5)
    if new == 4:
        assert np.tanh(after[3]) > 0.9  # nothing of it is transparent


def test_what_differs_in_other_ways_is_no_colour():
    kernel, bias = np.zeros((3, 3, 16, 4), np.float32), np.zeros(4, np.float32)
    assert fit_colours(kernel, bias, (3, 3, 32, 4)) is None
    assert fit_colours(kernel, bias, (3, 3, 16, 16)) is None
    assert fit_colours(kernel, bias, (3, 3, 4, 3)) is None
    assert fit_colours(kernel[0], bias, (3, 16, 3)) is None

"""Walks as mathematics: where key points lie, and what lies between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.requests.interpolation import blend_rows, place_key_points, walk_latents

WAYS = ("slerp", "lerp", "spline")
NUMBERS = st.floats(-1e6, 1e6, width=32)


@st.composite
def walks(draw):
    """Key points, a number of frames that holds them, and the options of a walk."""
    keys = draw(hnp.arrays(np.float32, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=NUMBERS))
    frames = draw(st.integers(len(keys), 60))
    options = {
        "interpolation": draw(st.sampled_from(WAYS)),
        "loop": draw(st.booleans()),
        "easing": draw(st.sampled_from(("linear", "smooth"))),
    }
    return keys, frames, options


@given(walks())
def test_a_walk_is_at_each_key_point_to_the_bit(walk):
    keys, frames, options = walk
    places = place_key_points(len(keys), frames, loop=options["loop"])
    assert np.array_equal(walk_latents(keys, frames, **options)[places], keys)


@given(walks(), st.integers(1, 20))
def test_a_walk_in_parts_is_the_whole_walk(walk, size):
    keys, frames, options = walk
    parts = [
        walk_latents(keys, frames, part=slice(start, start + size), **options)
        for start in range(0, frames, size)
    ]
    assert np.array_equal(np.concatenate(parts), walk_latents(keys, frames, **options))


@given(walks())
def test_every_frame_of_every_walk_is_finite(walk):
    keys, frames, options = walk
    assert np.isfinite(walk_latents(keys, frames, **options)).all()


@given(st.integers(2, 9), st.integers(0, 60), st.booleans())
def test_key_points_lie_evenly_from_the_first_frame_to_the_last(key_points, more, loop):
    frames = key_points + more
    places = place_key_points(key_points, frames, loop=loop)
    gaps = np.diff(np.append(places, frames) if loop else places)
    assert places[0] == 0
    assert loop or places[-1] == frames - 1
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_slerp_keeps_the_length_between_keys_of_one_length(seed, frames):
    keys = np.random.default_rng(seed).standard_normal((2, 16))
    keys = (4 * keys / np.linalg.norm(keys, axis=1, keepdims=True)).astype(np.float32)
    walked = walk_latents(keys, frames, interpolation="slerp", loop=False, easing="linear")
    assert np.linalg.norm(walked, axis=1) == pytest.approx(4, rel=1e-5)


def test_slerp_turns_by_the_same_angle_every_frame():
    keys = np.array([[2, 0], [0, 2]], np.float32)
    walked = walk_latents(keys, 10, interpolation="slerp", loop=False, easing="linear")
    assert np.degrees(np.arctan2(walked[:, 1], walked[:, 0])) == pytest.approx(
        np.linspace(0, 90, 10), abs=1e-4
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loop", [False, True])
def test_a_walk_from_a_seed_to_itself_stands_still(way, loop):
    keys = np.array([[1.5, -2.5, 0.25]] * 2, np.float32)
    walked = walk_latents(keys, 9, interpolation=way, loop=loop, easing="linear")
    assert np.array_equal(walked, np.repeat(keys[:1], 9, axis=0))


def test_slerp_between_opposite_vectors_is_the_straight_line_through_the_origin():
    keys = np.array([[1, 2], [-1, -2]], np.float32)
    walked = walk_latents(keys, 5, interpolation="slerp", loop=False, easing="linear")
    assert walked == pytest.approx(np.array([[1, 2], [0.5, 1], [0, 0], [-0.5, -1], [-1, -2]]), abs=1e-6)


def test_slerp_from_the_zero_vector_is_a_straight_line():
    keys = np.array([[0, 0], [4, 8]], np.float32)
    walked = walk_latents(keys, 5, interpolation="slerp", loop=False, easing="linear")
    assert walked == pytest.approx(np.outer(np.arange(5), [1, 2]))


def test_a_closed_spline_has_no_corner_where_it_closes():
    keys = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
    walked = walk_latents(keys, 4000, interpolation="spline", loop=True, easing="linear").astype(np.float64)
    before, after = walked[0] - walked[-1], walked[1] - walked[0]
    assert before == pytest.approx(after, abs=2e-5)
    assert np.linalg.norm(after) > 2e-4


def test_keys_at_the_end_of_float32_do_not_swing_to_infinity():
    keys = np.array([[3.4e38], [-3.4e38], [3.4e38], [3.4e38]], np.float32)
    walked = walk_latents(keys, 60, interpolation="spline", loop=True, easing="linear")
    assert np.isfinite(walked).all()


def test_smooth_easing_is_slow_at_the_key_points_and_passes_the_middle_on_time():
    keys = np.array([[0], [1]], np.float32)
    walked = walk_latents(keys, 101, interpolation="lerp", loop=False, easing="smooth")[:, 0]
    assert walked[1] < 0.001
    assert walked[50] == pytest.approx(0.5)
    assert (np.diff(walked) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_blended_labels_stay_weights_that_sum_to_one(seed, loop):
    keys = np.random.default_rng(seed).dirichlet(np.ones(4), 3).astype(np.float32)
    blended = blend_rows(keys, 20, loop=loop, easing="smooth")
    assert (blended >= 0).all()
    assert blended.sum(axis=1) == pytest.approx(1, abs=1e-6)

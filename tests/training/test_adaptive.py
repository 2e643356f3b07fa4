"""Adaptive augmentation: what it does to pictures, when, and which sets may be mirrored."""

import numpy as np
import pytest
import tensorflow as tf

from training.data.mirror import bears_mirror
from training.networks.adaptive import (
    CHANGES,
    Adaptation,
    change_adaptively,
    change_colours,
    choose_places,
    draw_adaptive_changes,
    sample,
)

SEED = tf.constant((3, 4), tf.int64)


@pytest.fixture(scope="module")
def images():
    return tf.random.stateless_uniform((6, 12, 16, 3), (0, 1), -1.0, 1.0)


def change(images, probability, *, mirror=True, seed=SEED):
    draws = draw_adaptive_changes(len(images), seed)
    return change_adaptively(images, tf.constant(probability), draws, mirror=mirror).numpy()


def happen(*indices):
    return tf.constant([[1.0 if index in indices else 0.0] for index in range(5)])


def test_nothing_happens_with_probability_zero_and_all_that_is_drawn_depends_on_the_seed(images):
    np.testing.assert_array_equal(change(images, 0.0), images)
    changed = change(images, 0.8)
    np.testing.assert_array_equal(changed, change(images, 0.8))
    assert np.abs(changed - change(images, 0.8, seed=SEED + 1)).mean() > 0.1


def test_a_picture_is_mirrored_only_where_that_is_allowed(images):
    values = tf.zeros((7, 1))
    allowed = sample(images[:1], choose_places(images[:1], happen(0), values, mirror=True))
    np.testing.assert_allclose(allowed, images[:1, :, ::-1], atol=1e-6)
    kept = sample(images[:1], choose_places(images[:1], happen(0), values, mirror=False))
    np.testing.assert_allclose(kept, images[:1], atol=1e-6)


def test_a_move_by_whole_pixels_keeps_them_and_the_edge_is_a_mirror(images):
    values = tf.constant([[0.9], [0.5], [1.0], [0.5], [0.5], [0.5], [0.5]])
    moved = sample(images[:1], choose_places(images[:1], happen(1), values, mirror=False)).numpy()
    np.testing.assert_allclose(moved[:, :, 2:], images[:1, :, :-2], atol=1e-5)
    np.testing.assert_allclose(moved[:, :, 1], images[:1, :, 1], atol=1e-5)


def test_a_quarter_turn_of_a_square_is_one(images):
    square = images[:1, :, :12]
    values = tf.constant([[0.9], [0.5], [0.5], [0.5], [0.5], [0.5], [0.75]])
    turned = sample(square, choose_places(square, happen(4), values, mirror=False)).numpy()
    quarters = [np.rot90(square[0], turns) for turns in (1, 3)]
    assert min(np.abs(turned[0] - quarter).max() for quarter in quarters) < 1e-4


def test_gradients_pass_through_every_change(images):
    draws = draw_adaptive_changes(len(images), SEED)
    with tf.GradientTape() as tape:
        tape.watch(images)
        changed = change_adaptively(images, tf.constant(0.8), draws, mirror=True)
    assert (np.abs(tape.gradient(changed, images)).sum((1, 2, 3)) > 0).all()


def test_what_is_transparent_stays_so_whatever_its_colours_become():
    alpha = tf.random.stateless_uniform((4, 5, 5, 1), (1, 2))
    colours = alpha * tf.random.stateless_uniform((4, 5, 5, 3), (2, 3))
    seen = 2.0 * tf.concat([colours, alpha], -1) - 1.0
    values = tf.random.stateless_uniform((4, 4), (3, 4))
    changed = change_colours(seen, tf.ones((2, 4)), values)
    np.testing.assert_allclose(changed[..., 3], seen[..., 3])
    opaque = change_colours(2.0 * colours / alpha - 1.0, tf.ones((2, 4)), values)
    np.testing.assert_allclose((changed[..., :3] + 1.0) / alpha, opaque + 1.0, rtol=1e-3, atol=1e-3)
    nothing = change_colours(-tf.ones((4, 5, 5, 4)), tf.ones((2, 4)), values)
    np.testing.assert_allclose(nothing, -1.0, atol=1e-6)


def test_hue_and_saturation_leave_grey_alone():
    grey = tf.fill((3, 4, 4, 3), 0.25)
    changed = change_colours(grey, tf.constant([[0.0], [1.0]]) * tf.ones((2, 3)), tf.ones((4, 3)) * 0.9)
    np.testing.assert_allclose(changed, grey, atol=1e-5)


def test_pictures_known_by_heart_raise_the_probability_and_others_lower_it():
    adaptation = Adaptation()
    known, unknown = tf.ones((8, 1)), tf.constant([[1.0], [-1.0]] * 4)
    for _ in range(60):
        adaptation.learn(known, -known, tf.constant(2000))
    risen = float(adaptation.probability)
    assert 0.2 < risen <= 0.8
    for _ in range(30):
        adaptation.learn(unknown, unknown, tf.constant(2000))
    assert float(adaptation.probability) < risen


def test_every_change_has_a_draw_of_its_own():
    assert draw_adaptive_changes(3, SEED).shape == (3, CHANGES + 7 + 4)


def test_a_set_that_faces_one_way_is_not_mirrored():
    draw = np.random.default_rng(0)
    labels = np.zeros(200, np.uint8)
    either_way = draw.integers(0, 256, (200, 20, 24, 3), np.uint8)
    assert bears_mirror(either_way, labels)
    one_way = either_way // 8
    one_way[:, :, :8] += 200
    assert not bears_mirror(one_way, labels)
    # Two classes that face each other are each mirrored into what the other looks like.
    facing = np.where(np.arange(200)[:, None, None, None] % 2 == 0, one_way, one_way[:, :, ::-1])
    assert not bears_mirror(facing, np.arange(200) % 2)
    assert bears_mirror(np.full((5, 8, 8, 1), 7, np.uint8), np.zeros(5, np.uint8))
    assert not bears_mirror(either_way, np.arange(len(either_way)))  # one of each kind tells nothing
    assert not bears_mirror(either_way[:10], labels[:10])

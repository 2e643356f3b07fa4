"""The changes made to pictures before they are judged: what they do, and that gradients pass through them."""

import numpy as np
import pytest
import tensorflow as tf

from training.networks.augment import (
    augment,
    change_colours,
    cut_out,
    draw_changes,
    shift,
)
from training.networks.probability import choose_probability

SEED = tf.constant((3, 4), tf.int64)
ALL = tf.ones(1)


@pytest.fixture(scope="module")
def images():
    return tf.random.stateless_uniform((12, 16, 16, 3), (0, 1), -1.0, 1.0)


def change(images, probability, seed=SEED):
    return augment(images, probability, draw_changes(len(images), seed))


def test_pictures_that_are_never_changed_stay_as_they_are(images):
    np.testing.assert_allclose(change(images, 0.0), images, atol=1e-6)


def test_a_seed_changes_pictures_in_one_way_and_another_in_another(images):
    changed = change(images, 1.0)
    np.testing.assert_array_equal(changed, change(images, 1.0))
    assert np.abs(changed - change(images, 1.0, SEED + 1)).mean() > 0.1


def test_the_probability_is_the_share_of_pictures_that_each_change_befalls():
    white = tf.ones((4000, 8, 8, 1))
    corners = change(white, 0.3)[:, 4, 4, 0].numpy()  # a shift of one pixel leaves it white
    # Untouched by brightness (contrast moves no even picture) and by a hole over it.
    assert np.mean(corners == 0.0) < 0.3 * 0.5
    assert 0.5 < np.mean(np.isclose(corners, 1.0)) < 0.7


def test_every_picture_hands_its_gradient_back(images):
    with tf.GradientTape() as tape:
        tape.watch(images)
        changed = change(images, 1.0)
    gradient = tape.gradient(changed, images)
    assert (np.abs(gradient).sum(axis=(1, 2, 3)) > 0).all()


def test_one_picture_does_not_change_with_its_neighbours(images):
    with tf.GradientTape() as tape:
        tape.watch(images)
        first = tf.reduce_sum(change(images, 1.0)[0])
    gradient = tape.gradient(first, images)
    assert np.abs(gradient[1:]).sum() == 0.0


def test_colours_are_brightened_bleached_and_flattened_as_in_the_paper(images):
    draws = tf.constant([[0.7], [0.1], [0.9]])  # brightness, saturation, contrast
    x = images[:1].numpy() + 0.2
    grey = x.mean(axis=3, keepdims=True)
    x = grey + (x - grey) * 0.2
    expected = x.mean() + (x - x.mean()) * 1.4
    np.testing.assert_allclose(change_colours(images[:1], draws, ALL), expected, atol=1e-5)


def test_a_shift_moves_rows_and_columns_and_lets_zeros_in(images):
    draws = tf.constant([[0.999], [0.0]])  # of a side of 16: by +2 and -2
    moved = shift(images[:1], draws, ALL).numpy()
    np.testing.assert_array_equal(moved[:, :14, 2:], images[:1, 2:, :14].numpy())
    assert (moved[:, 14:] == 0).all()
    assert (moved[:, :, :2] == 0).all()


def test_a_cut_out_square_is_half_as_wide_as_the_picture():
    white = tf.ones((1, 16, 16, 3))
    hole = cut_out(white, tf.constant([[0.5], [0.5]]), ALL).numpy()[0, :, :, 0] == 0.0
    assert hole.sum() == 64
    assert hole[4:12, 4:12].all()
    assert (cut_out(white, tf.zeros((2, 1)), ALL).numpy() == 0.0).sum() == 3 * 16  # three quarters outside


def test_only_small_sets_are_changed_unasked():
    assert choose_probability(60_000) == 0.0
    assert 0.0 < choose_probability(1_800) < 0.8

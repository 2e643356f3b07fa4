import math

import numpy as np
import pytest
import tensorflow as tf

from training.dcgan.losses import discriminator_loss, generator_loss
from training.dcgan.networks import build_discriminator, build_generator


def test_the_networks_have_the_parameters_of_the_tutorial():
    assert build_generator(100).count_params() == 2_330_944
    assert build_discriminator().count_params() == 212_865


def test_the_layers_have_the_shapes_of_the_tutorial():
    shapes = [layer.output.shape[1:] for layer in build_generator(100).layers]
    assert shapes[:4] == [(12544,), (12544,), (12544,), (7, 7, 256)]
    assert shapes[4::3] == [(7, 7, 128), (14, 14, 64), (28, 28, 1)]
    shapes = [layer.output.shape[1:] for layer in build_discriminator().layers]
    assert shapes[0::3] == [(14, 14, 64), (7, 7, 128), (6272,)]
    assert shapes[-1] == (1,)


def test_bfloat16_stays_between_the_layers():
    for network in (build_generator(100, "mixed_bfloat16"), build_discriminator("mixed_bfloat16")):
        assert network.layers[0].compute_dtype == "bfloat16"
        assert network.layers[-1].compute_dtype == "float32"
        assert {weight.dtype for weight in network.weights} == {"float32"}
        assert network.layers[-1].output.dtype == "float32"


def test_bfloat16_draws_nearly_the_same_images():
    exact, mixed = build_generator(100), build_generator(100, "mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    latents = tf.random.stateless_normal((8, 100), (1, 2))
    np.testing.assert_allclose(mixed(latents, training=True), exact(latents, training=True), atol=0.05)


def test_undecided_logits_lose_log_two_a_side():
    zeros = tf.zeros((5, 1))
    assert float(generator_loss(zeros)) == pytest.approx(math.log(2))
    assert float(discriminator_loss(zeros, zeros)) == pytest.approx(2 * math.log(2))


def test_the_losses_pull_in_opposite_directions():
    high, low = tf.fill((5, 1), 10.0), tf.fill((5, 1), -10.0)
    assert float(discriminator_loss(high, low)) == pytest.approx(0, abs=1e-3)
    assert float(discriminator_loss(low, high)) == pytest.approx(20, abs=1e-3)
    assert float(generator_loss(high)) == pytest.approx(0, abs=1e-3)
    assert float(generator_loss(low)) == pytest.approx(10, abs=1e-3)

"""One pass back serves both networks: the gradients are those of two passes, whatever the losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.dcgan import losses as tutorial
from training.modern import losses as pairs
from training.networks.shared_pass import SharedPass

TUTORIAL = (
    lambda real, generated: tutorial.discriminator_loss(real, generated),
    lambda _, generated: tutorial.generator_loss(generated),
    lambda _, generated: tutorial.generator_ratio(generated),
)
PAIRS = (pairs.discriminator_loss, pairs.generator_loss, pairs.generator_ratio)


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(3)
    layers = keras.layers
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(9), layers.Reshape((3, 3, 1))])
    discriminator = keras.Sequential(
        [keras.Input((3, 3, 1)), layers.Conv2D(4, 2, activation="tanh"), layers.Flatten(), layers.Dense(1)]
    )
    return generator, discriminator


def take_step(networks, losses, pull=None):
    """The gradients by one pass, and those by two."""
    generator, discriminator = networks
    discriminator_loss, generator_loss, ratio = losses
    real, latents = (tf.random.stateless_normal(shape, (1, 2)) for shape in ((5, 3, 3, 1), (5, 2)))
    with tf.GradientTape(persistent=True) as drawing:
        generated = generator(latents)
        logits = discriminator(real), discriminator(generated)
        loss_g = generator_loss(*logits)
        if pull is not None:
            loss_g += tf.reduce_sum(pull * generated)
    with tf.GradientTape(persistent=True) as judging:
        judging.watch(generated)
        logits = discriminator(real), discriminator(generated)
        loss_d = discriminator_loss(*logits)
    by_one = SharedPass(drawing, judging, generated).differentiate(
        loss_d, ratio(*logits), generator, discriminator, pull
    )
    weights_g, weights_d = generator.trainable_variables, discriminator.trainable_variables
    return by_one, (drawing.gradient(loss_g, weights_g), judging.gradient(loss_d, weights_d))


@pytest.mark.parametrize("losses", [TUTORIAL, PAIRS], ids=["tutorial", "pairs"])
@pytest.mark.parametrize("pulled", [False, True])
def test_the_gradients_are_those_of_a_pass_for_each_network(networks, losses, pulled):
    pull = tf.random.stateless_normal((5, 3, 3, 1), (3, 4)) if pulled else None
    by_one, by_two = take_step(networks, losses, pull)
    for ours, theirs in zip(by_one, by_two, strict=True):
        assert len(ours) == len(theirs)
        assert tf.linalg.global_norm(theirs) > 1e-2
        for gradient, expected in zip(ours, theirs, strict=True):
            assert gradient is not None
            np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)

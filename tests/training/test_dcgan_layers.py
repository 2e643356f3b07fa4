"""The layers of `dcgan` against Keras's own, with the same weights: faster, and the same but for rounding."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from training.dcgan.dropout import HashedDropout
from training.dcgan.losses import discriminator_loss, generator_loss, generator_ratio
from training.dcgan.networks import build_discriminator, build_generator
from training.networks.adam import FusedAdam
from training.networks.spectral import correlate

PLAIN = {
    "TransposedConvolution": layers.Conv2DTranspose,
    "EnlargingConvolution": layers.Conv2DTranspose,
    "ShrinkingConvolution": layers.Conv2D,
    "FusedNormalization": layers.BatchNormalization,
    "HashedDropout": layers.Dropout,
}


def normal(*shape, seed=1):
    return tf.random.stateless_normal(shape, (seed, 0))


def with_keras_layers(network):
    """The same network of Keras's own layers."""
    plain = []
    for layer in network.layers:
        settings = layer.get_config()
        settings.pop("synchronized", None)
        kind = PLAIN.get(type(layer).__name__)
        plain.append(kind.from_config(settings) if kind else type(layer).from_config(layer.get_config()))
    copy = keras.Sequential([keras.Input(network.input_shape[1:]), *plain])
    copy.set_weights(network.get_weights())
    return copy


def outcome(network, inputs, upstream):
    """What a step in training computes: images or logits, and the gradients of weights and inputs."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = network(inputs, training=True)
    gradients = tape.gradient(outputs, [*network.trainable_variables, inputs], output_gradients=upstream)
    statistics = [weight for weight in network.weights if weight.name.startswith("moving")]
    return [outputs, *gradients, *statistics]


def assert_nearly_equal(ours, theirs, tolerance=1e-5):
    for our, their in zip(ours, theirs, strict=True):
        their = their.numpy()
        assert np.linalg.norm(our.numpy() - their) <= tolerance * max(1.0, np.linalg.norm(their))


@pytest.mark.parametrize(("side", "taps"), [(7, 5), (7, 3), (4, 5), (8, 3), (2, 3)])
def test_a_convolution_by_its_spectrum_is_the_convolution(side, taps):
    features, kernel = normal(3, side, side, 5), normal(taps, taps, 5, 6, seed=2)
    assert_nearly_equal([correlate(features, kernel)], [tf.nn.conv2d(features, kernel, 1, "SAME")])


def test_the_generator_computes_what_keras_layers_do():
    network = build_generator(20)
    copy, latents, upstream = with_keras_layers(network), normal(6, 20), normal(6, 28, 28, 1, seed=3)
    assert_nearly_equal(outcome(network, latents, upstream), outcome(copy, latents, upstream))


def test_the_generator_draws_what_keras_layers_draw():
    network = build_generator(20)
    copy, latents = with_keras_layers(network), normal(6, 20)
    network(latents, training=True)  # so that the statistics are not those of the beginning
    copy.set_weights(network.get_weights())
    assert_nearly_equal([network(latents)], [copy(latents)])


def test_the_discriminator_computes_what_keras_layers_do():
    network = build_discriminator()
    for layer in network.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0  # the bits are others
    copy, images, upstream = with_keras_layers(network), normal(6, 28, 28, 1), normal(6, 1, seed=3)
    assert_nearly_equal(outcome(network, images, upstream), outcome(copy, images, upstream))


def test_one_pass_back_through_the_discriminator_serves_both_networks():
    real, generated = tf.constant([[0.3], [-2.0]]), tf.constant([[1.1], [-3.4]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(generated)
        loss_d, loss_g = discriminator_loss(real, generated), generator_loss(generated)
    by_ratio = tape.gradient(loss_d, generated) * generator_ratio(generated)
    np.testing.assert_allclose(by_ratio, tape.gradient(loss_g, generated), rtol=1e-5)


def test_dropout_drops_its_share_afresh_in_every_call_and_the_same_on_the_way_back():
    layer, ones = HashedDropout(0.3, seed=5), tf.ones((64, 1000))
    with tf.GradientTape() as tape:
        tape.watch(ones)
        first = layer(ones, training=True)
    np.testing.assert_array_equal(tape.gradient(first, ones), first)
    second = layer(ones, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.7)}
    kept = np.stack([first.numpy() > 0, second > 0])
    assert kept.mean(axis=(1, 2)) == pytest.approx([0.7, 0.7], abs=0.01)
    # Calls, rows and neighbours have nothing to do with one another.
    pairs = [(kept[0], kept[1]), (kept[0][1:], kept[0][:-1]), (kept[0][:, 1:], kept[0][:, :-1])]
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(layer(ones), ones)


def test_adam_in_one_kernel_is_adam():
    weights = [tf.Variable([1.0, -2.0, 3.0]) for _ in range(2)]
    optimizers = [FusedAdam(0.1, 0.5, 0.99), keras.optimizers.Adam(0.1, 0.5, 0.99)]
    for step in range(4):
        for weight, optimizer in zip(weights, optimizers, strict=True):
            optimizer.apply([tf.constant([0.1, -1.0, step])], [weight])
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-6)


def test_a_checkpoint_of_keras_layers_fills_the_networks(tmp_path):
    network = build_generator(20)
    copy = with_keras_layers(network)
    path = tf.train.Checkpoint(network=copy).save(str(tmp_path / "state"))
    other = build_generator(20)
    tf.train.Checkpoint(network=other).restore(path).assert_existing_objects_matched()
    for ours, theirs in zip(other.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)

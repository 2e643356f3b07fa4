"""For inference the layers compute the same in other steps; here they are held against the plain ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.modern.layers import EPSILON, ConditionalBatchNormalization
from training.networks.depth_to_space import DepthToSpace
from training.networks.few_channels import FewChannels


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("classes", [0, 10])
def test_inference_normalises_by_the_kept_statistics_and_scales_by_label_and_latent(
    classes: int, modulated: bool, together: int
):
    features, label, latent = draw(3, 6, 6, 8), abs(draw(3, 10)), draw(3, 5)
    conditions = [label] * bool(classes) + [latent] * modulated
    layer = ConditionalBatchNormalization(modulated=modulated, together=together)
    layer([features, *conditions], training=True)
    layer.set_weights([abs(draw(*weight.shape, seed=index)) for index, weight in enumerate(layer.weights)])

    normal = (features - layer.mean) / np.sqrt(layer.variance + EPSILON)
    scale, shift = (label @ layer.scale, label @ layer.shift) if classes else (layer.scale, layer.shift)
    if modulated:
        scale, shift = scale + latent @ layer.latent_scale, shift + latent @ layer.latent_shift
    expected = normal * np.reshape(scale, (-1, 1, 1, 8)) + np.reshape(shift, (-1, 1, 1, 8))
    np.testing.assert_allclose(layer([features, *conditions]), expected, rtol=1e-4, atol=1e-4)


def test_inference_moves_the_same_numbers_from_depth_to_space():
    features = draw(2, 3, 5, 12)
    np.testing.assert_array_equal(DepthToSpace()(features), tf.nn.depth_to_space(features, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_convolution_into_few_channels_is_one_like_any_other(channels: int):
    layer = FewChannels(channels, 3, padding="same", activation="tanh", bias_initializer="normal")
    features = draw(2, 7, 6, 5)
    np.testing.assert_allclose(layer(features), layer(features, training=True), atol=1e-5)
    assert isinstance(layer, keras.layers.Conv2D)

"""The statistics that a generator of `modern` draws with: of many pictures, a few of them in memory."""

import numpy as np
import pytest
import tensorflow as tf

from training.modern import calibration
from training.modern.calibration import measure_statistics
from training.modern.generator import build_generator
from training.modern.layers import ConditionalBatchNormalization


@pytest.mark.parametrize("classes", [0, 3])
def test_statistics_measured_part_by_part_are_those_of_all_pictures_at_once(classes, monkeypatch):
    generator = build_generator(8, classes, 16, 3, 32, "float32", 5, detailed=True)
    random = np.random.default_rng(0)
    for variable in generator.trainable_variables:  # away from where scale and shift begin
        variable.assign_add(random.normal(0, 0.1, variable.shape))
    latents = tf.constant(random.normal(size=(150, 8)), tf.float32)
    inputs = [latents, tf.one_hot(tf.range(150) % 3, 3)] if classes else [latents]
    layers = [layer for layer in generator.layers if isinstance(layer, ConditionalBatchNormalization)]
    generator(inputs if classes else latents, training=True)
    at_once = [(layer.mean.numpy(), layer.variance.numpy()) for layer in layers]
    for layer in layers:
        layer.mean.assign(tf.zeros_like(layer.mean))
        layer.variance.assign(tf.ones_like(layer.variance))

    seen = []
    infer = ConditionalBatchNormalization.infer
    monkeypatch.setattr(
        ConditionalBatchNormalization,
        "infer",
        lambda layer, features, *rest: seen.append(len(features)) or infer(layer, features, *rest),
    )
    monkeypatch.setattr(calibration, "CHUNK_PIXELS", 40 * 16 * 16)
    measure_statistics(generator, inputs)
    for layer, (mean, variance) in zip(layers, at_once, strict=True):
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(layer.variance, variance, rtol=1e-4)
    assert set(seen) == {40, 30}

"""The statistics that a generator draws with, measured over many pictures, a few of them in memory at a time.

Each layer's depend on those of the layers before it, so every layer has a pass of its own, which stops there.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from training.modern.layers import ConditionalBatchNormalization
from training.shape import CHUNK_PIXELS


def measure_statistics(generator: keras.Model, inputs: Sequence[tf.Tensor]) -> None:
    """Give each normalisation of `generator` the mean and variance of what it sees of `inputs` (n, k).

    They are those of all n at once, in training, but for rounding: means and variances of the parts are put
    together in float64 (Chan et al., "Updating formulae and a pairwise algorithm", 1979).
    """
    count = int(inputs[0].shape[0])
    _, height, width, _ = generator.output_shape
    chunk = max(1, CHUNK_PIXELS // (height * width))
    sample_variances: list[tuple[ConditionalBatchNormalization, tf.Tensor]] = []
    for layer in generator.layers:
        if not isinstance(layer, ConditionalBatchNormalization):
            continue
        features = layer.input if isinstance(layer.input, keras.KerasTensor) else layer.input[0]
        before = keras.Model(generator.inputs, features)
        seen = tf.constant(0.0, tf.float64)
        mean = square = tf.zeros(layer.mean.shape, tf.float64)  # (c,); the sum of squared deviations
        for first in range(0, count, chunk):
            features = before([part[first : first + chunk] for part in inputs], training=False)
            numbers = tf.cast(tf.size(features) / features.shape[-1], tf.float64)
            part_mean, part_variance = (
                tf.cast(moment, tf.float64) for moment in tf.nn.moments(features, (0, 1, 2))
            )
            offset, together = part_mean - mean, seen + numbers
            square += numbers * part_variance + offset**2 * seen * numbers / together
            mean += offset * numbers / together
            seen = together
        layer.mean.assign(tf.cast(mean, tf.float32))
        layer.variance.assign(tf.cast(square / seen, tf.float32))
        sample_variances.append((layer, square / tf.maximum(seen - 1.0, 1.0)))
    # TensorFlow's fused normalisation divides by n - 1 in what it keeps, and by n in what it passes on.
    for layer, variance in sample_variances:
        layer.variance.assign(tf.cast(variance, tf.float32))

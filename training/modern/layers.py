"""The layers of the `modern` networks that Keras does not have, or not fast enough."""

from typing import Any

import keras
import tensorflow as tf

from training.strategy import count_replicas, replica_mean

EPSILON = 1e-3


@keras.saving.register_keras_serializable("ganymede")
class ConditionalBatchNormalization(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Batch normalisation whose scale and shift the label chooses: de Vries et al., arXiv:1707.00683.

    Call it with [features (n, h, w, c), label weights (n, classes)], or with [features] alone where
    there are no classes. A label that lies between classes gets a scale and shift between theirs.
    `modulated`, it takes the latent (n, Z) as a last input, which adds to both (Chen et al., "On self
    modulation for GANs", arXiv:1810.01365), nothing at first.

    The statistics it keeps for inference are those of the last batch it was trained with: whoever needs good
    ones passes one large batch.
    """

    def __init__(self, *, modulated: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.modulated = modulated

    def get_config(self) -> dict[str, Any]:
        """What it takes to build it again."""
        return {**super().get_config(), "modulated": self.modulated}

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Make the weights for features (n, h, w, c), labels (n, classes) and latents (n, Z), if any."""
        channels = shapes[0][-1]
        classes = shapes[1][-1] if len(shapes) > 1 + self.modulated else 1

        def add(name: str, shape: tuple[int | None, ...], value: str, *, trainable: bool) -> keras.Variable:
            # Float32 under any policy; statistics are the same in all replicas.
            return self.add_weight(
                shape=shape,
                initializer=value,
                trainable=trainable,
                autocast=False,
                aggregation="none" if trainable else "only_first_replica",
                name=name,
            )

        self.scale = add("scale", (classes, channels), "ones", trainable=True)
        self.shift = add("shift", (classes, channels), "zeros", trainable=True)
        if self.modulated:
            self.latent_scale = add("latent_scale", (shapes[-1][-1], channels), "zeros", trainable=True)
            self.latent_shift = add("latent_shift", (shapes[-1][-1], channels), "zeros", trainable=True)
        self.mean = add("mean", (channels,), "zeros", trainable=False)
        self.variance = add("variance", (channels,), "ones", trainable=False)

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:  # noqa: FBT001, FBT002  # Keras's signature
        """Normalise features (n, h, w, c) over n, h and w; scale and shift by label and latent, if any."""
        features, *label = inputs
        latent = tf.cast(label.pop(), tf.float32) if self.modulated else None
        if training and count_replicas() > 1:
            normal, mean, variance = normalise_together(features)
        else:
            # Keras 3's own layer runs as a dozen elementwise kernels; this is one.
            normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=features,
                scale=tf.ones(features.shape[-1]),
                offset=tf.zeros(features.shape[-1]),
                mean=tf.zeros(0) if training else tf.convert_to_tensor(self.mean),
                variance=tf.zeros(0) if training else tf.convert_to_tensor(self.variance),
                epsilon=EPSILON,
                is_training=training,
            )
        if training:
            self.mean.assign(mean)
            self.variance.assign(variance)
        scale, shift = tf.convert_to_tensor(self.scale), tf.convert_to_tensor(self.shift)  # (classes, c)
        if label:
            weights = tf.cast(label[0], tf.float32)
            scale, shift = weights @ scale, weights @ shift  # (n, c)
        if latent is not None:
            scale += latent @ tf.convert_to_tensor(self.latent_scale)
            shift += latent @ tf.convert_to_tensor(self.latent_shift)
        scale, shift = tf.cast(scale, features.dtype), tf.cast(shift, features.dtype)
        return normal * scale[:, None, None, :] + shift[:, None, None, :]


def normalise_together(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalise features (n, h, w, c) over the batches of all replicas; return mean and variance (c,) too."""
    exact = tf.cast(features, tf.float32)
    mean = replica_mean(tf.reduce_mean(exact, (0, 1, 2)))
    variance = replica_mean(tf.reduce_mean(tf.square(exact - mean), (0, 1, 2)))
    normal = (exact - mean) * tf.math.rsqrt(variance + EPSILON)
    return tf.cast(normal, features.dtype), mean, variance


@keras.saving.register_keras_serializable("ganymede")
class DepthToSpace(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Twice the height and width from a quarter of the channels: Shi et al., arXiv:1609.05158."""

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Turn (n, h, w, 4c) into (n, 2h, 2w, c)."""
        return tf.nn.depth_to_space(features, 2)


@keras.saving.register_keras_serializable("ganymede")
class SpaceToDepth(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Half the height and width, four times the channels; nothing is lost."""

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Turn (n, 2h, 2w, c) into (n, h, w, 4c)."""
        return tf.nn.space_to_depth(features, 2)


@keras.saving.register_keras_serializable("ganymede")
class EqualNeighbours(keras.initializers.Initializer):  # type: ignore[misc]  # Keras ships no types
    """Kernels whose four sub-pixels start equal, so that no checkerboard is there to be unlearnt.

    ICNR: Aitken et al., arXiv:1707.02937.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        """Draw a kernel (3, 3, c, 4k) by He's rule (arXiv:1502.01852) for k channels, four times over."""
        drawn = keras.initializers.HeNormal(self.seed)((*shape[:-1], shape[-1] // 4), dtype)
        return tf.concat([drawn] * 4, axis=-1)

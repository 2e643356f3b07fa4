"""The layers of the `modern` networks that Keras does not have, or not fast enough."""

from typing import Any

import keras
import tensorflow as tf

from training.networks.replicas import count_replicas, replica_mean

EPSILON = 1e-3


@keras.saving.register_keras_serializable("ganymede")
class ConditionalBatchNormalization(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Batch normalisation whose scale and shift the label chooses: de Vries et al., arXiv:1707.00683.

    Call it with [features (n, h, w, c), label weights (n, classes)], or with [features] alone where
    there are no classes. A label that lies between classes gets a scale and shift between theirs.
    `modulated`, it takes the latent (n, Z) as a last input, which adds to both (Chen et al., "On self
    modulation for GANs", arXiv:1810.01365), nothing at first.

    The statistics it keeps for inference are those of the last batch it was trained with: whoever needs good
    ones passes one large batch. For inference, `together` pixels that lie side by side are scaled and shifted
    as if they were one: with few channels engines spend more on the pixels than on their numbers.
    """

    def __init__(self, *, modulated: bool = False, together: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.modulated = modulated
        self.together = together

    def get_config(self) -> dict[str, Any]:
        """What it takes to build it again."""
        return {**super().get_config(), "modulated": self.modulated, "together": self.together}

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
        weights = tf.cast(label[0], tf.float32) if label else None
        if not training:
            return self.infer(features, weights, latent)
        if count_replicas() > 1:
            normal, mean, variance = normalise_together(features)
        else:
            # Keras 3's own layer runs as a dozen elementwise kernels; this is one.
            normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=features,
                scale=tf.ones(features.shape[-1]),
                offset=tf.zeros(features.shape[-1]),
                mean=tf.zeros(0),
                variance=tf.zeros(0),
                epsilon=EPSILON,
                is_training=True,
            )
        self.mean.assign(mean)
        self.variance.assign(variance)
        scale, shift = tf.convert_to_tensor(self.scale), tf.convert_to_tensor(self.shift)  # (classes, c)
        if weights is not None:
            scale, shift = weights @ scale, weights @ shift  # (n, c)
        if latent is not None:
            scale += latent @ tf.convert_to_tensor(self.latent_scale)
            shift += latent @ tf.convert_to_tensor(self.latent_shift)
        scale, shift = tf.cast(scale, features.dtype), tf.cast(shift, features.dtype)
        return normal * scale[:, None, None, :] + shift[:, None, None, :]

    def infer(self, features: tf.Tensor, weights: tf.Tensor | None, latent: tf.Tensor | None) -> tf.Tensor:
        """Do the same with the statistics that were kept, in as few operators as a served graph can do with.

        Scale and shift are linear in label and latent, so what the statistics do is done to their weights.
        """
        scale, shift = tf.convert_to_tensor(self.scale), tf.convert_to_tensor(self.shift)  # (classes, c)
        if self.modulated:
            scale = tf.concat([tf.convert_to_tensor(self.latent_scale), scale], 0)  # (Z + classes, c)
            shift = tf.concat([tf.convert_to_tensor(self.latent_shift), shift], 0)
        scale *= tf.math.rsqrt(tf.convert_to_tensor(self.variance) + EPSILON)
        shift -= tf.convert_to_tensor(self.mean) * scale
        both = tf.concat([scale] * self.together + [shift] * self.together, 1)  # (Z + classes, 2tc)
        if weights is None and latent is not None:
            both = latent @ both[:-1] + both[-1]  # (n, 2tc)
        elif weights is not None:
            both = (weights if latent is None else tf.concat([latent, weights], 1)) @ both  # (n, 2tc)
        _, height, width, channels = features.shape
        pixels, numbers = height * width // self.together, self.together * channels
        both = tf.reshape(tf.cast(both, features.dtype), (-1, 1, 1, 2 * numbers))
        scale, shift = tf.split(both, 2, axis=-1)  # (n, 1, 1, tc)
        if self.together > 1:
            features = tf.reshape(features, (-1, 1, pixels, numbers))
        return tf.reshape(features * scale + shift, (-1, height, width, channels))


def normalise_together(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalise features (n, h, w, c) over the batches of all replicas; return mean and variance (c,) too."""
    exact = tf.cast(features, tf.float32)
    mean = replica_mean(tf.reduce_mean(exact, (0, 1, 2)))
    variance = replica_mean(tf.reduce_mean(tf.square(exact - mean), (0, 1, 2)))
    normal = (exact - mean) * tf.math.rsqrt(variance + EPSILON)
    return tf.cast(normal, features.dtype), mean, variance


@keras.saving.register_keras_serializable("ganymede")
class SpaceToDepth(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Half the height and width, four times the channels; nothing is lost."""

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Turn (n, 2h, 2w, c) into (n, h, w, 4c)."""
        return tf.nn.space_to_depth(features, 2)

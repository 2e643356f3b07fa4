"""A classifier that learns beside the GAN and that nobody learns to please: the observer.

The discriminator sees through a smaller classifier (`build_classifier`), so the generator has learnt to
please that one. This one it never sees through; so the observer can still tell which pictures are drawn too
seldom, and `training.modern.class_means` asks it.
"""

import keras
import tensorflow as tf
from keras import layers

from training.modern.discriminator import Convolve, begin_watching
from training.modern.generator import Draw
from training.modern.lessons import teach
from training.modern.losses import classification_loss
from training.modern.sizes import LARGEST_BASE
from training.networks.loss_scale import LESSON_SCALE
from training.networks.replicas import replica_share

CHANNELS = (32, 64, 128, 160)
LEARNING_RATE = 2e-3
SMOOTHING = 0.05
"""This much of a label belongs to all classes alike: Szegedy et al., arXiv:1512.00567."""
LARGEST_MOVE = 1 / 14
"""Of a picture's side, by which it is moved while the observer learns."""
CHANGE_SEED = 2**32
"""Added to its seed, so that its pictures are changed by chances of their own."""


class Observer(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """The network and its lessons."""

    def __init__(
        self,
        classes: int,
        size: int | tuple[int, int],
        channels: int,
        policy: str,
        *,
        seed: int,
        shrink: int = 1,
    ) -> None:
        """Build the network as `build_observer` does."""
        super().__init__()
        self.seed = seed
        self.network = build_observer(classes, size, channels, policy, seed, shrink=shrink)
        self.scale = LESSON_SCALE if policy == "mixed_float16" else 1.0
        self.optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self.optimizer.build(self.network.trainable_variables)

    @property
    def features(self) -> int:
        """How many numbers it sees in a picture."""
        return int(self.network.output_shape[0][-1])

    def see(self, images: tf.Tensor) -> tf.Tensor:
        """Return the features float32 (n, k) of images float32 (n, h, w, c) in [-1, 1]."""
        features, _ = self.network(images)
        return features

    def learn(
        self, images: tf.Tensor, labels: tf.Tensor, together: tf.Tensor, step: tf.Tensor, *, steps: int
    ) -> None:
        """Learn from real images (n, h, w, c) of labels (n, classes), if `step` is before `steps`.

        All replicas `together` have so many.
        """

        def compute_loss() -> tf.Tensor:
            _, logits = self.network(self.change(images, together, step))
            smooth = labels * (1.0 - SMOOTHING) + SMOOTHING / logits.shape[-1]
            return classification_loss(smooth, logits)

        rate, scale = LEARNING_RATE, self.scale
        teach(self.network, self.optimizer, compute_loss, step, steps=steps, rate=rate, scale=scale)

    def change(self, images: tf.Tensor, together: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Mirror images (n, h, w, c) by chance, and roll them all by up to a fourteenth of the side.

        Letters are mirrored too: it has only to see which class is meant.
        """
        seed = tf.stack([tf.constant(self.seed + CHANGE_SEED, tf.int64), step])
        mirrored = replica_share(tf.random.stateless_uniform((together,), seed)) < 0.5  # (n,)
        images = tf.where(mirrored[:, None, None, None], tf.reverse(images, [2]), images)
        largest = round(images.shape[1] * LARGEST_MOVE)
        moves = tf.random.stateless_uniform(
            (2,), seed + tf.constant((1, 0), tf.int64), -largest, largest + 1, tf.int32
        )
        return tf.roll(images, moves, (1, 2))


def build_observer(
    classes: int, size: int | tuple[int, int], channels: int, policy: str, seed: int, *, shrink: int = 1
) -> keras.Model:
    """Build the network from images float32 (n, height, width, channels) to what it sees, and its logits.

    `size` is both sides, or height and width; `shrink` times smaller it sees them. What it sees are features
    float32 (n, 160); the logits are float32 (n, classes). The comments are for a size of 28.
    """
    image, small = begin_watching(size, channels, shrink)
    convolve = Convolve(policy, Draw(seed))
    first, middle, large, last = CHANNELS
    features, side = convolve(small, first, 3, 1), max(small.shape[1:3])  # (n, 28, 28, 32)
    while side > LARGEST_BASE:
        filters = large if side <= 2 * LARGEST_BASE else middle
        features, side = convolve(features, filters, 3, 2), side // 2  # (n, 14, 14, 64), (n, 7, 7, 128)
        features = convolve(features, filters, 3, 1)
    features = convolve(features, last, 3, 2)  # (n, 4, 4, 160)
    features = layers.GlobalAveragePooling2D(dtype="float32")(features)  # (n, 160)
    initializer = keras.initializers.GlorotNormal(convolve.draw())
    logits = layers.Dense(classes, kernel_initializer=initializer, dtype="float32")(features)
    return keras.Model(image, [features, logits], name="observer")

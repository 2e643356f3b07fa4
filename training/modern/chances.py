"""What a step of `modern` draws by chance: from the run's seed and the step alone, as a resume needs.

All replicas draw for the global batch, and each takes its own rows.
"""

import tensorflow as tf

from training.networks.adaptive import Adaptation, change_adaptively, draw_adaptive_changes
from training.networks.augment import augment, draw_changes
from training.networks.replicas import replica_share

AUGMENTATION_SEED = 2**31
"""Added to the run's seed, so that latents and changes have nothing in common."""


def draw_noise(seed: int, step: tf.Tensor, count: tf.Tensor, latent_size: int) -> tf.Tensor:
    """Draw the latents of a step's global batch, float32 (count, Z), standard normal."""
    return tf.random.stateless_normal((count, latent_size), step_seed(seed, step))


def change_pictures(
    images: tf.Tensor, probability: float, seed: int, step: tf.Tensor, together: tf.Tensor
) -> tf.Tensor:
    """Change images (2n, h, w, c), real and generated, each way with `probability`.

    All replicas `together` have so many real ones; what is drawn is drawn for them all.
    """
    if probability == 0.0:
        return images
    halves = tf.split(draw_changes(2 * together, step_seed(seed + AUGMENTATION_SEED, step)), 2)
    draws = tf.concat([replica_share(half) for half in halves], 0)  # (2n, 10)
    return augment(images, probability, draws)


def change_adapted(
    images: tf.Tensor,
    adaptation: Adaptation,
    seed: int,
    step: tf.Tensor,
    together: tf.Tensor,
    *,
    mirror: bool,
) -> tf.Tensor:
    """Change images (2n, h, w, c), real and generated, as often as is adapted to, like `change_pictures`."""
    drawn = draw_adaptive_changes(2 * together, step_seed(seed + AUGMENTATION_SEED, step))
    draws = tf.concat([replica_share(half) for half in tf.split(drawn, 2)], 0)  # (2n, 18)
    return change_adaptively(images, adaptation.probability, draws, mirror=mirror)


def step_seed(seed: int, step: tf.Tensor) -> tf.Tensor:
    """Return the seed of a step's draws, int64 (2,)."""
    return tf.stack([tf.constant(seed, tf.int64), step])

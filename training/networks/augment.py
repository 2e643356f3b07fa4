"""Pictures changed before the discriminator judges them, so that it cannot learn a small set by heart.

The transformations of DiffAugment (Zhao et al., arXiv:2006.10738), each applied to a picture with the
same probability, as in ADA (Karras et al., arXiv:2006.06676). Real and generated pictures go through
one call, and the generator learns through it: so it learns to draw pictures, not changed ones.
"""

import tensorflow as tf

LARGEST_SHIFT = 1 / 8
CUTOUT_SIDE = 1 / 2
DRAWS = 10


def draw_changes(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw what `augment` is to do to each of `count` pictures, from `seed` int (2,) alone.

    Returns float32 (count, 10), uniform in [0, 1).
    """
    return tf.transpose(tf.random.stateless_uniform((DRAWS, count), seed))


def augment(images: tf.Tensor, probability: float | tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Change the colour, the place and a square of each of images float32 (n, s, s, c) in [-1, 1].

    Each of the three happens to a picture with `probability`; `draws` (n, 10) are of `draw_changes`. The
    changes are linear in the pixels, so gradients pass; values may leave [-1, 1].
    """
    draws = tf.transpose(draws)  # (10, n)
    happens = tf.cast(draws[:3] < probability, tf.float32)  # (3, n)
    images = change_colours(images, draws[3:6], happens[0])
    images = shift(images, draws[6:8], happens[1])
    return cut_out(images, draws[8:10], happens[2])


def change_colours(images: tf.Tensor, draws: tf.Tensor, happens: tf.Tensor) -> tf.Tensor:
    """Add up to 0.5, multiply the saturation by 0 to 2 and the contrast by 0.5 to 1.5; draws are (3, n)."""
    if images.shape[-1] == 4:  # alpha has no colour
        return tf.concat([change_colours(images[..., :3], draws, happens), images[..., 3:]], -1)
    _, height, width, channels = images.shape
    brightness, saturation, contrast = tf.unstack((draws - 0.5) * happens)  # (n,) each
    saturation, contrast = 1.0 + 2.0 * saturation, 1.0 + contrast
    # One matrix and one number a picture: a tenth of the time of the paper's four steps.
    grey = tf.fill((channels, channels), 1.0 / channels)
    colourful = tf.eye(channels) - grey
    matrices = contrast[:, None, None] * (grey + saturation[:, None, None] * colourful)  # (n, c, c)
    offsets = brightness + (1.0 - contrast) * tf.reduce_mean(images, axis=(1, 2, 3))  # (n,)
    changed = tf.reshape(images, (-1, height * width, channels)) @ matrices  # (n, h * w, c)
    changed = tf.reshape(changed, (-1, height * width * channels)) + offsets[:, None]
    return tf.reshape(changed, (-1, height, width, channels))


def shift(images: tf.Tensor, draws: tf.Tensor, happens: tf.Tensor) -> tf.Tensor:
    """Move by whole pixels, up to an eighth of the side each way, zeros coming in; draws are (2, n)."""
    moves = []
    for side, drawn in zip(images.shape[1:3], tf.unstack(draws), strict=True):
        largest = round(side * LARGEST_SHIFT)
        pixels = tf.cast(tf.floor(drawn * (2 * largest + 1)) - largest, tf.int32) * tf.cast(happens, tf.int32)
        rows = tf.range(side)
        sources = rows[:, None] + pixels[:, None, None]  # (n, s, 1)
        moves.append(tf.cast(tf.equal(sources, rows), images.dtype))  # (n, s, s)
    return tf.einsum("nij,nkl,njlc->nikc", moves[0], moves[1], images)


def cut_out(images: tf.Tensor, draws: tf.Tensor, happens: tf.Tensor) -> tf.Tensor:
    """Put zeros into a square half as wide as the picture, partly outside at times; draws are (2, n)."""
    inside = []
    for side, drawn in zip(images.shape[1:3], tf.unstack(draws), strict=True):
        width = round(side * CUTOUT_SIDE)
        firsts = tf.floor(drawn * (side + 1 - width % 2)) - width // 2  # (n,)
        distance = tf.range(side, dtype=tf.float32) - firsts[:, None]  # (n, s)
        inside.append(tf.cast((distance >= 0.0) & (distance < width), images.dtype))
    hole = inside[0][:, :, None, None] * inside[1][:, None, :, None]  # (n, s, s, 1)
    return images * (1.0 - hole * happens[:, None, None, None])

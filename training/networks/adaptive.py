"""Pictures changed in form and colour, as often as the discriminator knows the real ones by heart.

Adaptive discriminator augmentation (ADA: Karras et al., arXiv:2006.06676): mirrored, moved, enlarged, turned
and in other colours, each with a probability that rises while too many real pictures are told from generated
ones and falls while too few are. Real and generated pictures go through one call, and gradients pass
through it.
"""

import math

import tensorflow as tf

from training.networks.replicas import replica_mean

TARGET = 0.6
"""Of the mean sign of the real pictures' logits: ADA's r_t."""
LARGEST_PROBABILITY = 0.8
"""Above it, by ADA's authors, changes leak into what the generator draws."""
IMAGES = 200_000
"""So many pictures take the probability from 0 to 1, at the fastest; ADA's 500,000, for shorter runs."""
MEMORY = 0.95
"""Of the signs, with every batch."""
DRAWS = 18
CHANGES = 7
"""A mirror, a move by whole pixels and one between, size, turn; light and contrast, hue and saturation."""
LARGEST_MOVE = 1 / 8
MOVE_DEVIATION = 1 / 8
SIZE_DEVIATION = 0.2
LIGHT_DEVIATION, CONTRAST_DEVIATION, SATURATION_DEVIATION = 0.2, 0.5, 1.0
"""Brightness is added; the others are powers of two."""


class Adaptation(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """The probability of a change, float32 (), and the mean sign that moves it; the same in all replicas."""

    def __init__(self) -> None:
        super().__init__()
        self.probability = build_number()
        self.sign = build_number()

    def learn(self, real_logits: tf.Tensor, generated_logits: tf.Tensor, together: tf.Tensor) -> None:
        """Move the probability by the logits (n, 1) of a batch; all replicas `together` have so many.

        A relativistic loss leaves open where real begins, so it is taken to be half way between the means.
        """
        middle = (
            replica_mean(tf.reduce_mean(real_logits)) + replica_mean(tf.reduce_mean(generated_logits))
        ) / 2.0
        sign = replica_mean(tf.reduce_mean(tf.sign(real_logits - middle)))
        self.sign.assign(MEMORY * self.sign + (1.0 - MEMORY) * sign)
        move = tf.sign(self.sign - TARGET) * tf.cast(together, tf.float32) / IMAGES
        self.probability.assign(tf.clip_by_value(self.probability + move, 0.0, LARGEST_PROBABILITY))


def build_number() -> tf.Variable:
    """Make a float32 () of zero that all replicas have alike."""
    return tf.Variable(0.0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def draw_adaptive_changes(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw what `change_adaptively` is to do to each of `count` pictures, from `seed` int (2,) alone.

    Returns float32 (count, 18), uniform in [0, 1).
    """
    return tf.transpose(tf.random.stateless_uniform((DRAWS, count), seed))


def change_adaptively(
    images: tf.Tensor, probability: tf.Tensor, draws: tf.Tensor, *, mirror: bool
) -> tf.Tensor:
    """Change form and colours of images float32 (n, h, w, c) in [-1, 1], each way with `probability`.

    `draws` (n, 18) are of `draw_adaptive_changes`; with `mirror` half of the pictures that may be are
    mirrored. Of four channels the colours are premultiplied by the last, which keeps its values. The changes
    are linear in the pixels; values may leave [-1, 1]. With probability 0 nothing is computed.
    """

    def change() -> tf.Tensor:
        happens = tf.cast(tf.transpose(draws)[:CHANGES] < probability, tf.float32)  # (7, n)
        values = tf.transpose(draws)[CHANGES:]  # (11, n)
        changed = sample(images, choose_places(images, happens[:5], values[:7], mirror=mirror))
        return change_colours(changed, happens[5:], values[7:])

    return tf.cond(probability > 0.0, change, lambda: tf.identity(images))


def choose_places(images: tf.Tensor, happens: tf.Tensor, values: tf.Tensor, *, mirror: bool) -> tf.Tensor:
    """Return where each pixel is taken from, row and column, float32 (n, h, w, 2), in pixels.

    `happens` (5, n) are 1.0 where a picture is mirrored, moved by whole pixels, moved between them, resized
    or turned; `values` (7, n) in [0, 1) say how.
    """
    _, height, width, _ = images.shape
    sides = tf.constant([[height], [width]], tf.float32)
    mirrored = happens[0] * tf.cast(values[0] < 0.5, tf.float32) * float(mirror)  # (n,)
    whole = tf.round((2.0 * values[1:3] - 1.0) * LARGEST_MOVE * sides) * happens[1]  # (2, n)
    between = normal(values[3:5], MOVE_DEVIATION) * sides * happens[2]
    size = 2.0 ** (normal(values[5], SIZE_DEVIATION) * happens[3])  # (n,)
    angle = (2.0 * values[6] - 1.0) * math.pi * happens[4]
    rows = (tf.range(height, dtype=tf.float32) - (height - 1) / 2.0)[None, :, None]  # (1, h, 1)
    columns = (tf.range(width, dtype=tf.float32) - (width - 1) / 2.0)[None, None, :]  # (1, 1, w)
    rows, columns = (
        (rows - (whole + between)[0, :, None, None]) / size[:, None, None],
        (columns - (whole + between)[1, :, None, None]) / size[:, None, None],
    )
    cosine, sine = tf.cos(angle)[:, None, None], tf.sin(angle)[:, None, None]
    turned_rows, turned_columns = cosine * rows + sine * columns, cosine * columns - sine * rows
    turned_columns *= (1.0 - 2.0 * mirrored)[:, None, None]
    return tf.stack([turned_rows + (height - 1) / 2.0, turned_columns + (width - 1) / 2.0], -1)


def sample(images: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Take images (n, h, w, c) at places (n, h, w, 2), bilinear between pixels and mirrored at the edges."""
    _, height, width, channels = images.shape
    pixels = tf.reshape(images, (-1, height * width, channels))
    firsts = tf.floor(places)
    beyond = places - firsts  # (n, h, w, 2)
    total: tf.Tensor = 0.0
    for row in (0, 1):
        for column in (0, 1):
            rows = fold(tf.cast(firsts[..., 0], tf.int32) + row, height)
            columns = fold(tf.cast(firsts[..., 1], tf.int32) + column, width)
            index = tf.reshape(rows * width + columns, (-1, height * width))
            taken = tf.reshape(tf.gather(pixels, index, batch_dims=1), (-1, height, width, channels))
            down = beyond[..., :1] if row else 1.0 - beyond[..., :1]
            across = beyond[..., 1:] if column else 1.0 - beyond[..., 1:]
            total += taken * (down * across)
    return total


def fold(index: tf.Tensor, side: int) -> tf.Tensor:
    """Bring an index into 0 to `side` - 1 as a mirror at either edge does: -1 is 1."""
    period = 2 * (side - 1)
    index = tf.math.floormod(index, period)
    return tf.minimum(index, period - index)


def change_colours(images: tf.Tensor, happens: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Change light and contrast, hue and saturation of images (n, h, w, c); grey has the first two alone.

    `happens` (2, n) are 1.0 where either is changed, `values` (4, n) in [0, 1) say how.
    """
    light = normal(values[0], LIGHT_DEVIATION) * happens[0]  # (n,)
    contrast = 2.0 ** (normal(values[1], CONTRAST_DEVIATION) * happens[0])
    colours, alpha = images[..., :3], (images[..., 3:] + 1.0) / 2.0
    seen = alpha if images.shape[-1] == 4 else tf.ones_like(images[..., :1])  # (n, h, w, 1)
    # What is premultiplied is moved as far as it is seen: c in [-1, 1] is stored as a (c + 1) - 1.
    level = colours + 1.0 - seen  # a c
    matrices = contrast[:, None, None] * tf.eye(colours.shape[-1], batch_shape=[1])
    if colours.shape[-1] == 3:
        saturation = 2.0 ** (normal(values[2], SATURATION_DEVIATION) * happens[1])
        angle = (2.0 * values[3] - 1.0) * math.pi * happens[1]
        matrices @= turn_hues(angle, saturation)
    _, height, width, channels = colours.shape
    level = tf.reshape(tf.reshape(level, (-1, height * width, channels)) @ matrices, tf.shape(colours))
    changed = level + seen * (1.0 + light[:, None, None, None]) - 1.0
    return tf.concat([changed, images[..., 3:]], -1)


def turn_hues(angle: tf.Tensor, saturation: tf.Tensor) -> tf.Tensor:
    """Return matrices (n, 3, 3): colours (3,) turned about grey by angles (n,), what is not grey scaled."""
    grey = tf.fill((3, 3), 1.0 / 3.0)
    across = tf.constant([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    cosine, sine = tf.cos(angle)[:, None, None], tf.sin(angle)[:, None, None]
    turned = cosine * (tf.eye(3) - grey) + sine * across
    return grey + saturation[:, None, None] * turned


def normal(uniform: tf.Tensor, deviation: float) -> tf.Tensor:
    """Turn what is uniform in [0, 1) into what is normal about 0, cut at three deviations."""
    edge = 0.00135
    return deviation * tf.math.ndtri(edge + (1.0 - 2.0 * edge) * uniform)

"""The networks of the preset `modern`: small, class-conditional, without a checkerboard by construction.

The generator enlarges by sub-pixel convolutions (arXiv:1609.05158) that start equal (arXiv:1707.02937):
no two kernel applications overlap unevenly, which is what draws checkerboards (Odena et al., 2016,
doi:10.23915/distill.00003). The discriminator judges a class by projection (Miyato and Koyama,
arXiv:1802.05637) and normalises nothing, so that a penalty on its gradients means something
(Mescheder et al., arXiv:1801.04406). Beside the pixels it may judge what a classifier sees in them, as
projected GANs do (Sauer et al., arXiv:2111.01007). Weights are float32 under either policy; with
`mixed_bfloat16` the convolutions compute in bfloat16, tanh and logits in float32.
"""

from collections.abc import Sequence

import keras
from keras import layers

from training.errors import DataError
from training.modern.layers import (
    ConditionalBatchNormalization,
    DepthToSpace,
    EqualNeighbours,
    SpaceToDepth,
)

SLOPE = 0.2
LARGEST_BASE = 8
DISCRIMINATOR_CHANNELS = (64, 128, 192)
CLASSIFIER_CHANNELS = (48, 96)


def base_size(size: int) -> int:
    """Return the side of the generator's first features: `size` halved until it is 8 or less.

    Raises:
        DataError: the side cannot be halved so far; 28, 32, 48 and 64 can.
    """
    side = size
    while side > LARGEST_BASE:
        if side % 2:
            raise DataError(f"Pictures {size} pixels wide cannot be halved down to 8; use 28, 32, 48 or 64.")
        side //= 2
    return side


def build_generator(
    latent_size: int,
    classes: int,
    size: int,
    channels: int,
    width: int,
    policy: str,
    seed: int,
    *,
    detailed: bool = False,
) -> keras.Model:
    """Build the network from latents float32 (n, Z) and label weights float32 (n, classes) to images.

    The images are float32 (n, size, size, channels) in [-1, 1]; `width` is the channels at the base.
    Without classes (0) the latents are the only input. `detailed`, the latent bends every layer's features
    but the first's, and there is a layer more at full size.
    """
    latent = keras.Input((latent_size,), name="latent")
    label = [keras.Input((classes,), name="label")] if classes else []
    side = base_size(size)
    draw = Draw(seed)

    def normalise(features: keras.KerasTensor, *, modulated: bool = detailed) -> keras.KerasTensor:
        conditions = [*label, latent] if modulated else label
        features = ConditionalBatchNormalization(modulated=modulated, dtype=policy)([features, *conditions])
        return layers.LeakyReLU(SLOPE, dtype=policy)(features)

    def convolve(features: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        initializer = keras.initializers.HeNormal(draw())
        return layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer=initializer, dtype=policy
        )(features)

    def enlarge(features: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        features = layers.Conv2D(
            4 * filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=EqualNeighbours(draw()),
            dtype=policy,
        )(features)
        return DepthToSpace(dtype=policy)(features)

    features = layers.Concatenate(dtype=policy)([latent, *label]) if label else latent  # (n, Z + classes)
    features = layers.Dense(
        side * side * width,
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(draw()),
        dtype=policy,
    )(features)
    features = layers.Reshape((side, side, width), dtype=policy)(features)  # (n, 7, 7, w)
    features = normalise(features, modulated=False)
    features = normalise(convolve(features, width))
    filters = width // 2
    while 2 * side < size:
        features, side = normalise(enlarge(features, filters)), 2 * side  # (n, 14, 14, w / 2)
        features = normalise(convolve(features, filters))
        filters //= 2
    if side < size:
        features = normalise(enlarge(features, filters))  # (n, 28, 28, w / 4)
        if detailed:
            features = normalise(convolve(features, filters))
    images = layers.Conv2D(
        channels,
        3,
        padding="same",
        activation="tanh",
        kernel_initializer=keras.initializers.GlorotNormal(draw()),
        dtype="float32",
    )(features)  # (n, 28, 28, 1)
    return keras.Model([latent, *label] if label else latent, images, name="generator")


def build_classifier(classes: int, size: int, channels: int, policy: str, seed: int) -> keras.Model:
    """Build the network from images float32 (n, size, size, channels) to what it sees, and its logits.

    What it sees are features fine (n, size / 2, size / 2, 48) and coarse (n, s, s, 96), s at most 8; the
    logits are float32 (n, classes). It normalises nothing: a picture's features are its own.
    """
    image = keras.Input((size, size, channels), name="image")
    convolve = Convolve(policy, Draw(seed))
    fine_channels, coarse_channels = CLASSIFIER_CHANNELS
    fine = convolve(SpaceToDepth(dtype=policy)(image), fine_channels, 3, 1)  # (n, 14, 14, 48)
    coarse, side = fine, size // 2
    while side > LARGEST_BASE:
        coarse, side = convolve(coarse, coarse_channels, 4, 2), side // 2  # (n, 7, 7, 96)
    coarse = convolve(coarse, coarse_channels, 3, 1)
    pooled = layers.GlobalAveragePooling2D(dtype="float32")(coarse)  # (n, 96)
    logits = layers.Dense(
        classes, kernel_initializer=keras.initializers.GlorotNormal(convolve.draw()), dtype="float32"
    )(pooled)
    return keras.Model(image, [fine, coarse, logits], name="classifier")


def build_discriminator(
    classes: int,
    size: int,
    channels: int,
    policy: str,
    seed: int,
    *,
    seen: Sequence[tuple[int, int, int]] = (),
    detailed: bool = False,
) -> keras.Model:
    """Build the network from images float32 (n, size, size, channels) and labels (n, classes) to logits.

    The logits are float32 (n, 1); the higher, the more real the image is thought, for its class.
    Without classes (0) the images are the only input. `seen` are the shapes (h, w, c) of a classifier's
    features, further inputs; each has layers of its own to be judged by. `detailed`, the first layer is one
    at full size.
    """
    image = keras.Input((size, size, channels), name="image")
    label = keras.Input((classes,), name="label") if classes else None
    convolve = Convolve(policy, Draw(seed))

    def judge(features: keras.KerasTensor) -> keras.KerasTensor:
        features = layers.GlobalAveragePooling2D(dtype="float32")(features)  # (n, k)
        initializer = keras.initializers.GlorotNormal(convolve.draw())
        realness = layers.Dense(1, kernel_initializer=initializer, dtype="float32")(features)  # (n, 1)
        if label is None:
            return realness
        embedding = layers.Dense(
            features.shape[-1],
            use_bias=False,
            kernel_initializer=keras.initializers.GlorotNormal(convolve.draw()),
            dtype="float32",
        )(label)  # (n, k)
        agreement = layers.Dot(axes=1, dtype="float32")([embedding, features])  # (n, 1)
        return layers.Add(dtype="float32")([realness, agreement])

    first, middle, last = DISCRIMINATOR_CHANNELS
    if detailed:
        features = convolve(
            convolve(image, first // 2, 3, 1), first, 4, 2
        )  # (n, 28, 28, 32), (n, 14, 14, 64)
    else:
        features = convolve(SpaceToDepth(dtype=policy)(image), first, 3, 1)  # (n, 14, 14, 64)
    side = size // 2
    while side > LARGEST_BASE:
        features, side = convolve(features, middle, 4, 2), side // 2  # (n, 7, 7, 128)
    features = convolve(features, middle, 3, 1)
    logits = judge(convolve(features, last, 3, 2))  # of (n, 4, 4, 192)
    inputs = [keras.Input(shape, name=f"seen_{i}") for i, shape in enumerate(seen)]
    for features in inputs:
        opinion = judge(convolve(features, middle, 3, 2))  # of (n, 7, 7, 128) and (n, 4, 4, 128)
        logits = layers.Add(dtype="float32")([logits, opinion])
    return keras.Model(
        [image, *([] if label is None else [label]), *inputs] if classes or inputs else image,
        logits,
        name="discriminator",
    )


class Convolve:
    """Convolutions with a leaky rectifier behind them, their weights drawn one after the other."""

    def __init__(self, policy: str, draw: "Draw") -> None:
        self.policy = policy
        self.draw = draw

    def __call__(
        self, features: keras.KerasTensor, filters: int, kernel: int, stride: int
    ) -> keras.KerasTensor:
        """Turn features (n, h, w, c) into (n, h / stride, w / stride, filters)."""
        initializer = keras.initializers.HeNormal(self.draw())
        features = layers.Conv2D(
            filters, kernel, stride, "same", kernel_initializer=initializer, dtype=self.policy
        )(features)
        return layers.LeakyReLU(SLOPE, dtype=self.policy)(features)


class Draw:
    """A seed for each weight, from the run's."""

    def __init__(self, seed: int) -> None:
        self.next = seed * 1000

    def __call__(self) -> int:
        """Return the next seed."""
        self.next += 1
        return self.next

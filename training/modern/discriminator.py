"""What judges in the preset `modern`: the discriminator, and the classifier whose eyes it borrows.

The discriminator judges a class by projection (Miyato and Koyama, arXiv:1802.05637) and normalises
nothing, so that a penalty on its gradients means something (Mescheder et al., arXiv:1801.04406). Beside
the pixels it may judge what a classifier sees in them, as projected GANs do (Sauer et al.,
arXiv:2111.01007). Weights are float32 under either policy; with `mixed_bfloat16` the convolutions
compute in bfloat16, the logits in float32.
"""

from collections.abc import Sequence

import keras
from keras import layers

from training.modern.generator import SLOPE, Draw
from training.modern.layers import SpaceToDepth
from training.modern.sizes import LARGEST_BASE

DISCRIMINATOR_CHANNELS = (64, 128, 192)
CLASSIFIER_CHANNELS = (48, 96)


def build_classifier(
    classes: int, size: int | tuple[int, int], channels: int, policy: str, seed: int, *, shrink: int = 1
) -> keras.Model:
    """Build the network from images float32 (n, height, width, channels) to what it sees, and its logits.

    `size` is both sides, or height and width; `shrink` times smaller it sees them. What it sees are features
    fine (n, height / 2, width / 2, 48) and coarse (n, h, w, 96), at most 8; the logits are float32
    (n, classes). It normalises nothing: a picture's features are its own.
    """
    image, small = begin_watching(size, channels, shrink)
    convolve = Convolve(policy, Draw(seed))
    fine_channels, coarse_channels = CLASSIFIER_CHANNELS
    fine = convolve(SpaceToDepth(dtype=policy)(small), fine_channels, 3, 1)  # (n, 14, 14, 48)
    coarse, side = fine, max(small.shape[1:3]) // 2
    while side > LARGEST_BASE:
        coarse, side = convolve(coarse, coarse_channels, 4, 2), side // 2  # (n, 7, 7, 96)
    coarse = convolve(coarse, coarse_channels, 3, 1)
    pooled = layers.GlobalAveragePooling2D(dtype="float32")(coarse)  # (n, 96)
    logits = layers.Dense(
        classes, kernel_initializer=keras.initializers.GlorotNormal(convolve.draw()), dtype="float32"
    )(pooled)
    return keras.Model(image, [fine, coarse, logits], name="classifier")


def begin_watching(
    size: int | tuple[int, int], channels: int, shrink: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input for pictures of `size`, and the same averaged over `shrink` by `shrink` pixels."""
    height, width = (size, size) if isinstance(size, int) else size
    image = keras.Input((height, width, channels), name="image")
    if shrink == 1:
        return image, image
    return image, layers.AveragePooling2D(shrink, dtype="float32")(image)


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

    judge = Judge(convolve.draw, label)
    first, middle, last = DISCRIMINATOR_CHANNELS
    if detailed:
        features = convolve(image, first // 2, 3, 1)  # (n, 28, 28, 32)
        features = convolve(features, first, 4, 2)  # (n, 14, 14, 64)
    else:
        features = convolve(SpaceToDepth(dtype=policy)(image), first, 3, 1)  # (n, 14, 14, 64)
    side = size // 2
    while side > LARGEST_BASE:
        features, side = convolve(features, middle, 4, 2), side // 2  # (n, 7, 7, 128)
    features = convolve(features, middle, 3, 1)
    logits = judge(convolve(features, last, 3, 2))  # of (n, 4, 4, 192)
    views = [keras.Input(shape, name=f"seen_{i}") for i, shape in enumerate(seen)]
    for features in views:
        opinion = judge(convolve(features, middle, 3, 2))  # of (n, 7, 7, 128) and (n, 4, 4, 128)
        logits = layers.Add(dtype="float32")([logits, opinion])
    inputs = [image, *([label] if classes else []), *views]
    return keras.Model(inputs if len(inputs) > 1 else image, logits, name="discriminator")


class Judge:
    """The last layers, which make logits of features, their weights drawn one after the other."""

    def __init__(self, draw: Draw, label: keras.KerasTensor | None) -> None:
        self.draw = draw
        self.label = label

    def __call__(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Turn features (n, h, w, c) into logits float32 (n, 1), for labels (n, classes) if given."""
        features = layers.GlobalAveragePooling2D(dtype="float32")(features)  # (n, k)
        initializer = keras.initializers.GlorotNormal(self.draw())
        realness = layers.Dense(1, kernel_initializer=initializer, dtype="float32")(features)  # (n, 1)
        if self.label is None:
            return realness
        embedding = layers.Dense(
            features.shape[-1],
            use_bias=False,
            kernel_initializer=keras.initializers.GlorotNormal(self.draw()),
            dtype="float32",
        )(self.label)  # (n, k)
        agreement = layers.Dot(axes=1, dtype="float32")([embedding, features])  # (n, 1)
        return layers.Add(dtype="float32")([realness, agreement])


class Convolve:
    """Convolutions with a leaky rectifier behind them, their weights drawn one after the other."""

    def __init__(self, policy: str, draw: Draw) -> None:
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

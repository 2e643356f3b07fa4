"""The networks of `modern` for pictures above 32x32: residual, and the identity at first.

Every block adds to its features what a convolution makes of them, and that convolution starts as zero
(Zhang et al., "Fixup initialization", arXiv:1901.09321; R3GAN, arXiv:2501.05441): at first each network is
as deep as its changes of size, and grows deeper as it learns. The generator enlarges by interpolation after
a 1x1 convolution, as R3GAN does, so that no checkerboard is there to be unlearnt; the discriminator shrinks
by a convolution over two by two pixels. `training.modern.sizes` says how many channels there are.
"""

from collections.abc import Sequence

import keras
from keras import layers

from training.modern.discriminator import Convolve, Judge
from training.modern.generator import SLOPE, Draw
from training.modern.layers import ConditionalBatchNormalization
from training.modern.sizes import base_sides, count_channels, find_plan
from training.networks.depth_to_space import DepthToSpace
from training.networks.few_channels import give_images
from training.shape import PictureShape

DEEP_SIDE = 32
"""Features of no more pixels a side have as many blocks as the plan says; larger ones have one."""
LAST_CHANNELS = 192
"""Of the discriminator's last features, with `width` 128: R3GAN's ratio of either network, and half more."""


def build_residual_generator(
    latent_size: int, classes: int, shape: PictureShape, width: int, policy: str, seed: int
) -> keras.Model:
    """Build the network from latents float32 (n, Z) and label weights float32 (n, classes) to images.

    The images are float32 (n, height, width, channels) in [-1, 1]. Without classes (0) the latents are the
    only input. Label and latent bend the features of every layer. The comments are for 64x64.
    """
    latent = keras.Input((latent_size,), name="latent")
    label = [keras.Input((classes,), name="label")] if classes else []
    height, across = base_sides(shape.height, shape.width)
    blocks, draw = find_plan(shape).blocks, Draw(seed)

    def enlarge(features: keras.KerasTensor) -> keras.KerasTensor:
        four = layers.Concatenate(dtype=policy)([features] * 4)
        # Each pixel four times, and then the mean of every two by two: linear between them. In float32, for
        # which alone every device has the pooling.
        return layers.AveragePooling2D(2, 1, "same", dtype="float32")(DepthToSpace(dtype=policy)(four))

    def normalise(features: keras.KerasTensor, together: int) -> keras.KerasTensor:
        normalisation = ConditionalBatchNormalization(modulated=True, together=together, dtype=policy)
        features = normalisation([features, *label, latent])
        return layers.LeakyReLU(SLOPE, dtype=policy)(features)

    def add_block(features: keras.KerasTensor, together: int) -> keras.KerasTensor:
        changed = layers.Conv2D(
            features.shape[-1], 3, padding="same", kernel_initializer="zeros", dtype=policy
        )(normalise(features, together))
        return layers.Add(dtype=policy)([features, changed])

    channels = count_channels(max(height, across), width)
    features = layers.Concatenate(dtype=policy)([latent, *label]) if label else latent  # (n, Z + classes)
    features = layers.Dense(
        height * across * channels, kernel_initializer=keras.initializers.GlorotNormal(draw()), dtype=policy
    )(features)
    features = layers.Reshape((height, across, channels), dtype=policy)(features)  # (n, 8, 8, 128)
    together = 1
    while True:
        for _ in range(blocks if max(height, across) <= DEEP_SIDE else 1):
            features = add_block(features, together)
        if height == shape.height:
            break
        height, across, together = 2 * height, 2 * across, 4
        channels = count_channels(max(height, across), width)
        initializer = keras.initializers.HeNormal(draw())
        features = layers.Conv2D(channels, 1, kernel_initializer=initializer, dtype=policy)(features)
        features = enlarge(features)  # (n, 16, 16, 128), (n, 32, 32, 64), (n, 64, 64, 32)
    images = give_images(normalise(features, together), shape.channels, draw())  # (n, 64, 64, 3)
    return keras.Model([latent, *label] if label else latent, images, name="generator")


def build_residual_discriminator(
    classes: int,
    shape: PictureShape,
    width: int,
    policy: str,
    seed: int,
    *,
    seen: Sequence[tuple[int, int, int]] = (),
) -> keras.Model:
    """Build the network from images float32 (n, height, width, channels) and labels (n, classes) to logits.

    The logits are float32 (n, 1), and `seen` is as for `build_discriminator`. The comments are for 64x64.
    """
    image = keras.Input((shape.height, shape.width, shape.channels), name="image")
    label = keras.Input((classes,), name="label") if classes else None
    convolve = Convolve(policy, Draw(seed))
    judge = Judge(convolve.draw, label)
    blocks = find_plan(shape).blocks

    def add_block(features: keras.KerasTensor) -> keras.KerasTensor:
        changed = layers.LeakyReLU(SLOPE, dtype=policy)(features)
        changed = layers.Conv2D(
            features.shape[-1], 3, padding="same", kernel_initializer="zeros", dtype=policy
        )(changed)
        return layers.Add(dtype=policy)([features, changed])

    side, base = shape.size, max(base_sides(shape.height, shape.width))
    features = convolve(image, count_channels(side, width), 3, 1)  # (n, 64, 64, 32)
    while side > base:
        side //= 2
        features = convolve(features, count_channels(side, width), 2, 2)
        for _ in range(blocks if side <= DEEP_SIDE else 1):
            features = add_block(features)  # (n, 32, 32, 64), (n, 16, 16, 128), (n, 8, 8, 128)
    last = count_channels(0, LAST_CHANNELS * width // 128)
    features = add_block(convolve(features, last, 3, 2))  # (n, 4, 4, 192)
    logits = judge(layers.LeakyReLU(SLOPE, dtype=policy)(features))
    views = [keras.Input(view, name=f"seen_{i}") for i, view in enumerate(seen)]
    for view in views:
        opinion = judge(convolve(view, count_channels(0, width), 3, 2))
        logits = layers.Add(dtype="float32")([logits, opinion])
    inputs = [image, *([label] if classes else []), *views]
    return keras.Model(inputs if len(inputs) > 1 else image, logits, name="discriminator")

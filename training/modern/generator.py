"""The generator of the preset `modern`: small, class-conditional, without a checkerboard by construction.

It enlarges by sub-pixel convolutions (arXiv:1609.05158) that start equal (arXiv:1707.02937): no two kernel
applications overlap unevenly, which is what draws checkerboards (Odena et al., 2016,
doi:10.23915/distill.00003). Weights are float32 under either policy; with `mixed_bfloat16` the
convolutions compute in bfloat16, tanh in float32.
"""

import keras
from keras import layers

from training.modern.layers import ConditionalBatchNormalization
from training.modern.sizes import base_size
from training.networks.depth_to_space import DepthToSpace, EqualNeighbours
from training.networks.few_channels import give_images

SLOPE = 0.2


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

    def normalise(
        features: keras.KerasTensor, *, modulated: bool = detailed, together: int = 1
    ) -> keras.KerasTensor:
        conditions = [*label, latent] if modulated else label
        normalisation = ConditionalBatchNormalization(modulated=modulated, together=together, dtype=policy)
        features = normalisation([features, *conditions])
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
        features, side = normalise(enlarge(features, filters), together=4), 2 * side  # (n, 14, 14, w / 2)
        features = normalise(convolve(features, filters))
        filters //= 2
    if side < size:
        features = normalise(enlarge(features, filters), together=4)  # (n, 28, 28, w / 4)
        if detailed:
            features = normalise(convolve(features, filters))
    images = give_images(features, channels, draw())  # (n, 28, 28, 1)
    return keras.Model([latent, *label] if label else latent, images, name="generator")


class Draw:
    """A seed for each weight, from the run's."""

    def __init__(self, seed: int) -> None:
        self.next = seed * 1000

    def __call__(self) -> int:
        """Return the next seed."""
        self.next += 1
        return self.next

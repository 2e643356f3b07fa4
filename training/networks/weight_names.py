"""Names for the weights of a network that do not hang on what else was built before it.

Keras numbers layers through the life of a process. Here a layer is its kind and its place among that kind,
in a generator counted from the latent, in all others from the logits: so networks for larger pictures, which
have more layers where the picture is, share names with those for smaller ones.
"""

import re
from collections.abc import Iterator
from typing import Any

import keras

GENERATOR = "generator"
NETWORKS = {
    "average": GENERATOR,
    "generator": GENERATOR,
    "trained": GENERATOR,
    "discriminator": "discriminator",
    "classifier": "classifier",
}
"""The attributes of a GAN that are networks, the better of two that are one network first, and which one."""


def list_networks(gan: object) -> list[tuple[str, keras.Model]]:
    """Return the networks of a GAN as `generator`, `discriminator` and `classifier`; some twice."""
    found = ((kind, getattr(gan, attribute, None)) for attribute, kind in NETWORKS.items())
    return [(kind, network) for kind, network in found if isinstance(network, keras.Model)]


def name_weights(kind: str, network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield each weight of a network of that kind with its name, `generator/conv2d.2/0.kernel`."""
    layers = [layer for layer in network.layers if layer.weights]
    if kind != GENERATOR:
        layers.reverse()
    counts: dict[str, int] = {}
    for layer in layers:
        stem = re.sub(r"_\d+$", "", layer.name)
        place = counts[stem] = counts.get(stem, -1) + 1
        for index, weight in enumerate(layer.weights):
            yield f"{kind}/{stem}.{place}/{index}.{weight.name}", weight

"""Training data: a source a module, one registry of them, and the batches made of their pictures.

It imports the configuration, the shape of pictures and, for S3, the foundation's client. TensorFlow is
imported with the batches alone, when they are asked for: pictures are read and looked through without it.
"""

from typing import TYPE_CHECKING

from training.data.pictures import Pictures, Split

if TYPE_CHECKING:
    from training.data.batches import epoch_batches, hold_small, scale_pixels
    from training.data.fashion_mnist import FASHION_MNIST_FOLDER
    from training.data.sources import load_pictures

__all__ = [
    "FASHION_MNIST_FOLDER",
    "Pictures",
    "Split",
    "epoch_batches",
    "hold_small",
    "load_pictures",
    "scale_pixels",
]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: the sources need S3's client, the batches TensorFlow."""
    if name in ("epoch_batches", "hold_small", "scale_pixels"):
        from training.data import batches

        return getattr(batches, name)
    if name == "load_pictures":
        from training.data.sources import load_pictures

        return load_pictures
    if name == "FASHION_MNIST_FOLDER":
        from training.data.fashion_mnist import FASHION_MNIST_FOLDER

        return FASHION_MNIST_FOLDER
    raise AttributeError(name)

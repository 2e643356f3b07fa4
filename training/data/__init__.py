"""Training data: a source a module, one registry of them, and the batches made of their pictures.

It imports the configuration, the shape of pictures and, for S3, the foundation's client.
"""

from training.data.batches import epoch_batches, scale_pixels
from training.data.fashion_mnist import FASHION_MNIST_FOLDER
from training.data.pictures import Pictures, Split
from training.data.sources import load_pictures

__all__ = ["FASHION_MNIST_FOLDER", "Pictures", "Split", "epoch_batches", "load_pictures", "scale_pixels"]

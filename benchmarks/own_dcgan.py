"""Our side of `benchmarks.training`: the preset `dcgan` as `ganymede train` runs it."""

import sys
from itertools import count

import numpy as np

from benchmarks.rounds import answer_rounds
from training.data import Pictures, epoch_batches
from training.dcgan.configuration import DcganConfiguration
from training.dcgan.gan import DCGAN
from training.networks.precision import choose_precision
from training.shape import FASHION_MNIST_SHAPE


def main(path: str) -> None:
    """Train on the images of an .npy file, uint8 (n, 28, 28, 1), for as long as the input says."""
    settings = DcganConfiguration()
    images = np.load(path)
    pictures = Pictures(images, np.zeros(len(images), np.uint8), FASHION_MNIST_SHAPE)
    gan = DCGAN(settings, choose_precision())
    batches = (
        batch
        for epoch in count()
        for batch in epoch_batches(pictures, settings.batch_size, settings.buffer_size, seed=epoch)
    )

    def train_batch() -> int:
        images, classes = next(batches)
        gan.train_step(images, classes)
        return len(images)

    answer_rounds(train_batch, lambda: gan.step.numpy())


if __name__ == "__main__":
    main(sys.argv[1])

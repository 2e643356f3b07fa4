"""The sources `mnist` and `cifar10`: the sets that Keras fetches and keeps, through `keras.datasets`."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np

from training.data.framing import frame_array
from training.data.pictures import Pictures, Request
from training.errors import DataError
from training.shape import PictureShape

CONNECTION_TIMEOUT_S = 30.0
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def load_mnist(request: Request) -> Pictures:
    """Load MNIST's digits, 28x28, grey: LeCun et al., doi:10.1109/5.726791; raise DataError without them."""
    from keras.datasets import mnist  # TensorFlow takes seconds

    digits = tuple(str(digit) for digit in range(10))
    return load_set(request, mnist, "mnist.npz", "mnist.npz", digits)


def load_cifar10(request: Request) -> Pictures:
    """Load CIFAR-10, 32x32, colour: Krizhevsky, 2009; raise DataError without it."""
    from keras.datasets import cifar10  # as above

    archive = "cifar-10-batches-py-target_archive"
    return load_set(request, cifar10, "cifar-10-python.tar.gz", archive, CIFAR10_CLASSES)


def load_set(
    request: Request, module: ModuleType, file: str, kept_as: str, class_names: tuple[str, ...]
) -> Pictures:
    """Load a split of one of Keras's sets, which it keeps under the name `kept_as`."""
    try:
        with connection_timeout(CONNECTION_TIMEOUT_S):
            train, test = module.load_data()
    except Exception as error:  # Keras raises nothing more exact when a download fails
        raise DataError(
            f"{file} could not be downloaded: {error}. Put the file, as {kept_as}, "
            f"into {datasets_folder()} from a machine that can fetch it."
        ) from error
    images, labels = train if request.split == "train" else test
    images = frame_array(images if images.ndim == 4 else images[..., np.newaxis], request.settings)
    _, height, width, channels = images.shape
    shape = PictureShape(height=height, width=width, channels=channels, class_names=class_names)
    return Pictures(images, labels.reshape(-1), shape)


def datasets_folder() -> Path:
    """Return where Keras keeps the sets: KERAS_HOME, which must exist, or ~/.keras."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"


@contextmanager
def connection_timeout(timeout_s: float) -> Iterator[None]:
    """Let a server that does not answer be given up: Keras itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(timeout_s)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

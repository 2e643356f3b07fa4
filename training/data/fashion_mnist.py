"""The source `fashion-mnist`: Xiao et al., arXiv:1708.07747, from its four IDX files."""

from pathlib import Path

import numpy as np

from training.data.framing import frame_array
from training.data.idx import find_idx, read_idx
from training.data.pictures import Pictures, Request
from training.errors import DataError
from training.shape import FASHION_MNIST_SHAPE

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def load_fashion_mnist(request: Request) -> Pictures:
    """Load Fashion-MNIST from its IDX files, gzipped or not; raise DataError where it is not whole."""
    folder, split = request.folder or FASHION_MNIST_FOLDER, request.split
    prefix = {"train": "train", "test": "t10k"}[split]
    images = read_idx(require_idx(folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(require_idx(folder, f"{prefix}-labels-idx1-ubyte"), dimensions=1)
    if images.shape[1:] != (28, 28):
        height, width = images.shape[1:]
        raise DataError(f"The images in {folder} are {width}x{height} pixels; expected 28x28.")
    if len(images) == 0:
        raise DataError(f"{folder} holds no {split} images.")
    if len(images) != len(labels):
        raise DataError(f"{folder} holds {len(images)} {split} images but {len(labels)} labels.")
    if labels.max() >= len(FASHION_MNIST_SHAPE.class_names):
        raise DataError(f"{folder} holds the {split} label {labels.max()}; labels go from 0 to 9.")
    framed = frame_array(images[..., np.newaxis], request.settings)
    _, height, width, channels = framed.shape
    sides = {"height": height, "width": width, "channels": channels}
    shape = FASHION_MNIST_SHAPE.model_copy(update=sides)
    return Pictures(framed, labels, shape)


def require_idx(folder: Path, name: str) -> Path:
    """Return the IDX file `name` in `folder`; raise DataError that says what to install or fill."""
    path = find_idx(folder, name)
    if path is None:
        raise DataError(
            f"{folder / name}.gz is missing. Install Debian's package with "
            "'apt-get install dataset-fashion-mnist', or put the four Fashion-MNIST files "
            "(*-ubyte or *-ubyte.gz) into a folder and name it with --data-folder or GANYMEDE_DATA."
        )
    return path

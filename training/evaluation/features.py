"""A feature space: any network in ONNX that turns pictures into vectors, run by ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from training.errors import EvaluationError

FEATURES, LOGITS = "features", "logits"
FASHION_FEATURES = Path(__file__).parent / "features" / "fashion_cnn.onnx"
BATCH_IMAGES = 250
RANK = 4

Features = NDArray[np.float64]
"""float64 (n, d)."""


class FeatureNetwork:
    """A network with one input and, first or called `features`, an output float32 (n, d).

    The input takes pictures as (n, h, w, c) or (n, c, h, w), c 1 or 3. Into uint8 go the pixels as they
    are, into float32 their values divided by 255: anything else the graph must do itself. Pictures
    of another size or colour are enlarged (Pillow, bicubic) or turned to what the network takes.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            raise EvaluationError(f"{path} is not a network that ONNX Runtime can run: {error}") from error
        self.name = path.stem.replace("-", "_")
        self.input = self.session.get_inputs()[0]
        shape = self.input.shape
        if len(shape) != RANK or self.input.type not in ("tensor(uint8)", "tensor(float)"):
            raise EvaluationError(
                f"{path} takes {self.input.type} {shape}; a feature network takes pictures, "
                "uint8 or float32, (n, h, w, c) or (n, c, h, w)."
            )
        self.channels_first = shape[1] in (1, 3)
        self.channels = shape[1] if self.channels_first else shape[3]
        self.size = shape[2]
        names = [output.name for output in self.session.get_outputs()]
        self.output = FEATURES if FEATURES in names else names[0]
        self.has_logits = LOGITS in names

    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the features of images uint8 (n, h, w, c): float64 (n, d)."""
        return np.concatenate(self._run(images, self.output)).astype(np.float64)

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class the network gives each image (n, h, w, c): int64 (n,); it must have `logits`."""
        classes: NDArray[np.int64] = np.concatenate(self._run(images, LOGITS)).argmax(axis=1)
        return classes

    def _run(self, images: NDArray[np.uint8], output: str) -> list[NDArray[np.float32]]:
        batches = (images[first : first + BATCH_IMAGES] for first in range(0, len(images), BATCH_IMAGES))
        return [self.session.run([output], {self.input.name: self._prepare(batch)})[0] for batch in batches]

    def _prepare(self, images: NDArray[np.uint8]) -> NDArray[np.generic]:
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


def resize(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale one image (h, w, c) to (size, size, c)."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    scaled = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))
    return scaled.reshape(size, size, image.shape[2])

"""What made an exported graph."""

import keras
import onnx
import tensorflow as tf
import tf2onnx

from foundation.version import read_version


def library_versions() -> dict[str, str]:
    """Return the versions of what made the graph."""
    return {
        "ganymede": read_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tf2onnx": tf2onnx.__version__,
        "onnx": onnx.__version__,
    }

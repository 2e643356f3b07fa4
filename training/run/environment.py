"""What a run is trained with: versions of libraries, and the device."""

import json
import os
import platform

import keras
import numpy as np
import tensorflow as tf

from foundation.version import read_version
from training.networks.precision import CPU_INFORMATION
from training.run.folder import Run, replace_text


def write_environment(run: Run) -> None:
    """Write RUN/environment.json anew: a run may go on elsewhere."""
    replace_text(run.environment_path, json.dumps(describe_environment(), indent=2) + "\n")


def describe_environment() -> dict[str, str]:
    """Return the versions of Python, TensorFlow, Keras and NumPy, the processor, and any GPUs."""
    gpus = [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {
        "ganymede": read_version(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "processor": f"{os.cpu_count()} × {processor_name()}",
        **({"gpu": ", ".join(gpus)} if gpus else {}),
    }


def processor_name() -> str:
    """Return the processor's name as Linux gives it, or the kind of machine on other systems."""
    try:
        lines = CPU_INFORMATION.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    line = next((line for line in lines if line.startswith("model name")), "")
    return line.partition(":")[2].strip() or platform.machine()

"""The memory that a run has taken so far: measured, where `training.launch.memory` estimates."""

import resource
import sys

import tensorflow as tf


def measure_peak_bytes() -> int:
    """Return the most memory that was taken at once: of the first GPU, or without one by this process."""
    if gpus := tf.config.list_logical_devices("GPU"):
        name = gpus[0].name.removeprefix("/device:")
        return int(tf.config.experimental.get_memory_info(name)["peak"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes on Linux

"""How many devices and processes train together."""

import tensorflow as tf

from training.errors import ConfigurationError


def require_gpus(promised: int) -> None:
    """Raise ConfigurationError where TensorFlow finds fewer GPUs than `promised`: no silent CPU."""
    found = len(tf.config.list_physical_devices("GPU"))
    if found < promised:
        raise ConfigurationError(
            f"This machine is said to have {promised} GPUs, but TensorFlow {tf.__version__} finds {found}. "
            "The package tensorflow-cpu finds none: choose an instance without GPUs, or install tensorflow "
            "with CUDA."
        )

"""What TensorFlow may make of the graphs of a step before it runs them."""

from typing import Any

import tensorflow as tf

from training.config import Configuration
from training.errors import ConfigurationError
from training.networks.precision import has_gpu
from training.preset import Preset
from training.presets import find_preset


def choose_rewrites(preset: Preset[Any]) -> None:
    """Let TensorFlow rewrite the graphs that are made from now on as the preset can bear it."""
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": preset.bears_arithmetic_rewrite})


def choose_compiler(configuration: Configuration) -> None:
    """Let TensorFlow rewrite the graphs of a run's steps, and XLA compile them where that is wanted.

    XLA compiles what it can of them (autoclustering) and leaves the rest: https://openxla.org/xla/tf2xla.

    Raises:
        ConfigurationError: XLA is asked for on a CPU.
    """
    choose_rewrites(find_preset(configuration.preset))
    if configuration.xla is True and not has_gpu():
        raise ConfigurationError(
            "xla=true is for GPUs, and TensorFlow finds none here: on CPUs the steps were 0.67 times as fast "
            "with it. Leave it out."
        )
    tf.config.optimizer.set_jit("autoclustering" if wants_xla(configuration) else False)


def wants_xla(configuration: Configuration) -> bool:
    """Say whether XLA is to compile a run's steps: `auto` is on where there is a GPU."""
    if configuration.xla == "auto":
        return has_gpu()
    return configuration.xla

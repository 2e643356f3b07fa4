"""What TensorFlow may make of the graphs of a step before it runs them."""

from typing import Any

import tensorflow as tf

from training.preset import Preset


def choose_rewrites(preset: Preset[Any]) -> None:
    """Let TensorFlow rewrite the graphs that are made from now on as the preset can bear it."""
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": preset.bears_arithmetic_rewrite})

"""The preset `dcgan`: the networks, losses and step of the TensorFlow tutorial.

It exports one object, `PRESET`; it imports the form of a preset, `networks` and the configuration.
"""

from training.dcgan.preset import PRESET

__all__ = ["PRESET"]

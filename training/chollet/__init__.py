"""The preset `chollet`: the GAN of "Deep Learning with Python", chapter 8.5, its networks and its recipe.

It exports one object, `PRESET`; it imports the form of a preset and the configuration.
"""

from training.chollet.preset import PRESET

__all__ = ["PRESET"]

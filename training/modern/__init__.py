"""The preset `modern`: what the literature of the last years says works at small sizes.

It exports one object, `PRESET`; it imports the form of a preset, `networks` and the configuration.
"""

from training.modern.preset import PRESET

__all__ = ["PRESET"]

"""Layers, optimisers and arithmetic that more than one preset is built of.

It imports the configuration alone.
"""

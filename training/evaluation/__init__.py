"""Figures for generators: distances between sets of pictures in the feature space of a named network.

It imports the run, its export and the data.
"""

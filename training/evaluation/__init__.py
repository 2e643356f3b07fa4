"""Figures for generators: distances between sets of pictures in the feature space of a named network."""

"""Training on the grid: an exact graph's weights learn to draw what the float graph draws.

It may import the foundation and the errors; of runs, presets and exports it knows nothing.
"""

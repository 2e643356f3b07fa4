"""Training of generators: data, networks, the loop, the export and the publication of a run.

It imports the foundation and nothing of `service`. What comes before the networks loads no TensorFlow.
"""

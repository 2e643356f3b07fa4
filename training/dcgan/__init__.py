"""The preset `dcgan`: the networks, losses and step of the TensorFlow tutorial.

It imports `networks` and the configuration.
"""

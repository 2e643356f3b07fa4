"""The preset `dcgan`: the networks, losses and step of the TensorFlow tutorial."""

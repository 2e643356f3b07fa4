"""From a picture to a latent: an encoder that learns beside a finished generator, for its release.

It learns from the served graph alone, of which `training.reverse` makes the gradient; so it learns for a run
as for a release whose run is gone.
"""

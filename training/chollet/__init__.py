"""The preset `chollet`: the GAN of "Deep Learning with Python", chapter 8.5, its networks and its recipe.

It imports the configuration alone.
"""

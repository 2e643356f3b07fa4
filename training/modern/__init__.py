"""The preset `modern`: what the literature of the last years says works at small sizes.

It imports `networks` and the configuration.
"""

"""The run folder: what a training run writes, keeps and goes on from.

It imports the configuration and the shape of pictures; it trains nothing.
"""

"""What a set of pictures is worth before anything is spent: looked through, and what a run of it would cost.

It imports the data, the presets and what is known of this machine; TensorFlow for its probe alone.
"""

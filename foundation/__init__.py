"""What a release is, for those who make it and those who serve it: manifest, store, latents, labels, errors.

The floor of the house: it imports nothing of ours, and `training` and `service` both stand on it.
"""

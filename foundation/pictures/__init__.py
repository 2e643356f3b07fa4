"""Pictures in files, whoever made them, brought into the one shape that a generator knows.

Training reads its pictures this way, and the service what it is to find in a latent space: the same file has
the same pixels for both. It imports the foundation alone, Pillow and NumPy.
"""

"""From pixels to files: pictures, grids, archives, animations and streams, and what each says of its origin.

It imports the foundation alone.
"""

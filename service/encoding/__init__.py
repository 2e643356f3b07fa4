"""From pixels to files: pictures, grids, archives and animations, and what each says of its origin.

It imports the foundation alone.
"""

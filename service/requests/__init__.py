"""What a client may ask for, and what it means: schemas, limits, and the inputs of a generator.

It imports the foundation and `encoding`, whose formats bound what may be asked; it knows no HTTP.
"""

"""From somebody's graph to a release: what is in it, how it is wrapped, and that it still draws the same.

It imports the foundation and the service's engine and releases; it knows no command line.
"""

"""The process and its connections: bounds on the wire, drain and end.

It imports `endpoints` (for the context) and `http`; only the command line starts it.
"""

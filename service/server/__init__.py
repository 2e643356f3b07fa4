"""The process and its connections: bounds on the wire, refusals before a request begins, drain and end.

It imports `endpoints` (for the context), `access` and `http`; only the command line starts it.
"""

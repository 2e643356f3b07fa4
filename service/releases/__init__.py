"""Releases in memory: opened, held against their golden check, looked up by name, followed by their aliases.

It imports the foundation, `requests` and `engine`.
"""

"""Releases in memory: opened and held against their golden check, looked up by name, followed as aliases move.

It imports the foundation, `requests` and `engine`.
"""

"""Our own API: a file for each group of addresses, and the context that all of them share.

It imports every room below: `access`, `http`, `releases`, `engine`, `requests`, `encoding`, the foundation.
"""

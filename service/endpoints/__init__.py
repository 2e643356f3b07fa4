"""Our own API: a file for each endpoint or group of addresses, and the context that all of them share.

What answers a POST with pictures declares an `ENDPOINT`, and `registry.py` finds it.

It imports every room below: `access`, `http`, `releases`, `engine`, `requests`, `encoding`, the foundation.
"""

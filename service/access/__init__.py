"""Who may ask, and how much: API keys, rates and quotas, and what answers behind a key carry.

It imports `http` and what lies below it.
"""

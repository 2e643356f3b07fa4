"""Pictures by the million: shards in a folder or a bucket, which several processes write side by side.

It imports `service` and the foundation.
"""

"""Answers that may not change: a list of requests, and the digests of what they were answered with."""

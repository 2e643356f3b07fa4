"""Releases in memory: `service/releases`. Those that a store brings are in `tests/store`."""

"""Pixels to files: `service/encoding`."""

"""Exact arithmetic on other engines and other processors; `check_*.py` are run by `make exact`."""

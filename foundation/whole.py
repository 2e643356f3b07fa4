"""What counts as a whole number where a program may give anything."""

import operator
from typing import SupportsIndex


def read_whole(value: object) -> int | None:
    """A whole number, Python's or NumPy's, as Python's; None for anything else, `True` and 2.0 among it."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return None
    try:
        return operator.index(value)
    except TypeError:  # NumPy's arrays have the method, whatever is in them
        return None

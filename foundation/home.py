"""The `~` of a path: a shell leaves it alone behind `=` or `:`, and in a file of settings."""

import os
from pathlib import Path


def expand_home(text: str) -> Path:
    """Return the path with `~` or `~USER` at its beginning replaced; a user who is not known stays."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  # Path's own raises, and `./~` would be `~` to it

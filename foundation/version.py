"""The version of what runs: it stands in pyproject.toml, and is read from what was installed."""

from importlib.metadata import PackageNotFoundError, version

NEVER_INSTALLED = "0+unknown"
"""Of sources that run where nothing was installed: a version by PEP 440, and below every release."""


def read_version() -> str:
    """Return the version that pyproject.toml had when `ganymede` was installed, such as `0.1.0`."""
    try:
        return version("ganymede")
    except PackageNotFoundError:
        return NEVER_INSTALLED

"""The keys of a store in S3, without its prefix."""

from foundation.manifest import MANIFEST_FILE
from foundation.names import is_name


def is_manifest(path: list[str]) -> bool:
    """Whether the four parts of a key are those of a version's manifest."""
    model, versions, version, file = path
    return versions == "versions" and file == MANIFEST_FILE and is_name(model) and is_name(version)


def key_of(model: str, version: str, file: str) -> str:
    """The key of a version's file; with an empty `file`, what those of all its files begin with."""
    return f"{model}/versions/{version}/{file}"

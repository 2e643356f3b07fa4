"""What SageMaker lays into `/opt/ml/model`: a model store, or one version alone; never nothing."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from foundation.errors import ReleaseRefused, StoreError
from foundation.manifest import MANIFEST_FILE
from foundation.store import FolderStore, promote
from foundation.store.publication import parse_manifest


def is_meant(arguments: list[str], environment: Mapping[str, str], folder: Path) -> bool:
    """Whether `serve` is to read SageMaker's `folder`: it is there or named, and no other store is named."""
    if arguments[:1] != ["serve"] or any(argument.split("=")[0] == "--models" for argument in arguments):
        return False
    named = environment.get("GANYMEDE_MODELS")
    return Path(named) == folder if named else folder.is_dir()


def find_mounted_store(folder: Path) -> Path | None:
    """The store that lies in SageMaker's `folder`, None if there is none.

    A folder that is one version, as an endpoint's model brings it, becomes a store with that version in
    production.

    Raises:
        ReleaseRefused: its manifest cannot be read.
    """
    if (folder / MANIFEST_FILE).is_file():
        return lay_out(folder)
    return folder if holds_store(folder) else None


def explain_empty(folder: Path) -> StoreError:
    """What to say of a `folder` that is meant and holds nothing: the bundled models are not meant."""
    return StoreError(
        f"{folder} holds no model, neither a version (manifest.json) nor a store "
        "(NAME/versions/VERSION/manifest.json). Look at the prefix in S3, or name a store by GANYMEDE_MODELS."
    )


def holds_store(folder: Path) -> bool:
    """Whether `folder` is a model store with at least one version."""
    return next(folder.glob("*/versions/*/manifest.json"), None) is not None


def lay_out(folder: Path) -> Path:
    """A store, in the folder for temporary files, of the one version that `folder` is.

    Raises:
        ReleaseRefused: its manifest cannot be read.
    """
    text = (folder / MANIFEST_FILE).read_bytes()
    try:
        said = json.loads(text)
        manifest = parse_manifest(text, str(said["name"]), str(said["version"]))
    except (ValueError, TypeError, KeyError):
        raise ReleaseRefused(f"{folder / MANIFEST_FILE} is no manifest of a version.") from None
    root = Path(tempfile.mkdtemp(prefix="ganymede-mounted-"))
    versions = root / manifest.name / "versions"
    versions.mkdir(parents=True)
    (versions / manifest.version).symlink_to(folder.resolve(), target_is_directory=True)
    promote(FolderStore(root), manifest.name, manifest.version)
    return root

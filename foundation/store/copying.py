"""Carrying a version from one store to another, as it is: every byte and the signature."""

import tempfile
from pathlib import Path

from foundation.errors import AlreadyPublished
from foundation.manifest import Manifest
from foundation.store.interface import Store


def fetch_release(store: Store, manifest: Manifest, folder: Path) -> dict[str, Path]:
    """Write all files of a release below `folder`, each checked by size and sum; return where each lies.

    Raises:
        ReleaseRefused: a file is missing, cut off or altered; the message names it.
    """
    files = {file.path: folder / file.path for file in manifest.files}
    for path, copy in files.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        store.fetch(manifest, path, copy)
    return files


def copy_version(source: Store, target: Store, model: str, version: str) -> bool:
    """Publish a version of `source` in `target`, checked on its way; return False where it is there already.

    Raises:
        ReleaseRefused: it is not whole in `source`; the message names the file.
        StoreUnreachable: one of the stores does not answer.
    """
    manifest = source.manifest(model, version)
    with tempfile.TemporaryDirectory() as folder:
        files = fetch_release(source, manifest, Path(folder))
        try:
            target.publish(manifest, files, signature=source.signature(model, version))
        except AlreadyPublished:
            return False
    return True

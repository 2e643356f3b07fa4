"""Versions that are the same but for their names: published again, though nothing had changed."""

from contextlib import suppress

from foundation.errors import GanymedeError
from foundation.manifest import Manifest
from foundation.store.interface import Store

LOOKED_AT = 8
"""So many of a model's newest versions are looked at: who publishes twice does it soon."""


def find_twin(store: Store, manifest: Manifest) -> str | None:
    """The newest other version of a published model that has the same files and classes, if there is one.

    A version that cannot be read is no twin; a store that is away has none.
    """
    with suppress(GanymedeError):
        versions = [version for version in store.versions(manifest.name) if version != manifest.version]
        for version in reversed(versions[-LOOKED_AT:]):
            with suppress(GanymedeError):
                if _content_of(store.manifest(manifest.name, version)) == _content_of(manifest):
                    return version
    return None


def describe_twin(store: Store, manifest: Manifest) -> str | None:
    """A sentence on the version that a published one is the same as; None where it is new."""
    twin = find_twin(store, manifest)
    if twin is None:
        return None
    return (
        f"{manifest.reference} is the same as {manifest.name}@{twin}, but for its name: nothing had changed."
    )


def _content_of(manifest: Manifest) -> object:
    # Sheets of samples name the version that drew them.
    files = frozenset((file.path, file.sha256) for file in manifest.files if not file.path.endswith(".png"))
    described = (manifest.label, manifest.latent, manifest.arithmetic, manifest.licence, manifest.metrics)
    return files, described

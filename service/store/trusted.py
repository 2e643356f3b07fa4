"""A store of which nothing is opened that a trusted key has not signed."""

from collections.abc import Mapping
from pathlib import Path

from service.errors import StoreUnreachable
from service.manifest import Manifest
from service.signatures import TrustedKeys
from service.store.aliases import Aliases
from service.store.interface import MAX_READ_BYTES, Store
from service.store.publication import parse_manifest


class TrustedStore:
    """Gives a manifest only once its signature is right; files are held against the manifest, as ever.

    Every way to a release begins with its manifest: serving, reloading, the command line, listings.
    """

    def __init__(self, store: Store, keys: TrustedKeys) -> None:
        self._store = store
        self._keys = keys

    @property
    def location(self) -> str:
        """The store's."""
        return self._store.location

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why the store could not be reached; see `Store.failure`."""
        return self._store.failure

    def models(self) -> list[str]:
        """Names of the models, signed or not."""
        return self._store.models()

    def versions(self, model: str) -> list[str]:
        """Versions of `model`, signed or not."""
        return self._store.versions(model)

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`.

        Raises:
            ReleaseRefused: as there, or no trusted key signed it as it is.
        """
        text = self._store.manifest_text(model, version)
        manifest = parse_manifest(text, model, version)
        self._keys.check(manifest, text, self._store.signature(model, version))
        return manifest

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's manifest once they are trusted; see `Store.manifest_text`."""
        text = self._store.manifest_text(model, version)
        self._keys.check(parse_manifest(text, model, version), text, self._store.signature(model, version))
        return text

    def signature(self, model: str, version: str) -> bytes | None:
        """See `Store.signature`."""
        return self._store.signature(model, version)

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """See `Store.add_signature`."""
        self._store.add_signature(manifest, content)

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """The checked bytes of a file; see `Store.read`."""
        return self._store.read(manifest, path, max_bytes=max_bytes)

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Write a checked file to `target`; see `Store.fetch`."""
        self._store.fetch(manifest, path, target)

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model`, which nobody signs; see `Store.aliases`."""
        return self._store.aliases(model, known)

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """See `Store.swap_aliases`."""
        self._store.swap_aliases(model, old, new)

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """See `Store.publish`."""
        self._store.publish(manifest, files, signature=signature)

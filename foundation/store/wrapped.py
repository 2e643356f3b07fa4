"""A store around another: what it does not do itself, the other does."""

from collections.abc import Mapping
from pathlib import Path

from foundation.errors import StoreUnreachable
from foundation.manifest import Manifest
from foundation.store.aliases import Aliases
from foundation.store.interface import MAX_READ_BYTES, Store


class WrappedStore:
    """Hands every call to `store`; the stores that add something to another begin here (see `Store`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def location(self) -> str:
        """The store's."""
        return self._store.location

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why the store could not be reached; see `Store.failure`."""
        return self._store.failure

    def models(self) -> list[str]:
        """See `Store.models`."""
        return self._store.models()

    def versions(self, model: str) -> list[str]:
        """See `Store.versions`."""
        return self._store.versions(model)

    def manifest(self, model: str, version: str) -> Manifest:
        """See `Store.manifest`."""
        return self._store.manifest(model, version)

    def manifest_text(self, model: str, version: str) -> bytes:
        """See `Store.manifest_text`."""
        return self._store.manifest_text(model, version)

    def signature(self, model: str, version: str) -> bytes | None:
        """See `Store.signature`."""
        return self._store.signature(model, version)

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """See `Store.add_signature`."""
        self._store.add_signature(manifest, content)

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """See `Store.read`."""
        return self._store.read(manifest, path, max_bytes=max_bytes)

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """See `Store.fetch`."""
        self._store.fetch(manifest, path, target)

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """See `Store.aliases`."""
        return self._store.aliases(model, known)

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """See `Store.swap_aliases`."""
        self._store.swap_aliases(model, old, new)

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """See `Store.publish`."""
        self._store.publish(manifest, files, signature=signature)

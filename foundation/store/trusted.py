"""A store of which nothing is opened that a trusted key has not signed."""

from foundation.manifest import Manifest
from foundation.signatures import TrustedKeys
from foundation.store.interface import Store
from foundation.store.publication import parse_manifest
from foundation.store.wrapped import WrappedStore


class TrustedStore(WrappedStore):
    """Gives a manifest only once its signature is right; files are held against the manifest, as ever.

    Every way to a release begins with its manifest: serving, reloading, the command line. Names of models,
    versions and aliases are told whether or not anybody signed them.
    """

    def __init__(self, store: Store, keys: TrustedKeys) -> None:
        super().__init__(store)
        self._keys = keys

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

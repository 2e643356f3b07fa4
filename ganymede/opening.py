"""The model store as the command line opens it: signed releases only, where keys are trusted."""

import os
from collections.abc import Sequence
from pathlib import Path

from foundation.manifest import Manifest
from foundation.signatures import TrustedKeys, parse_key_files, sign_manifest
from foundation.store import Store, open_store
from foundation.store.publication import encode_manifest
from foundation.store.trusted import TrustedStore


def open_models(uri: str, keys: Sequence[Path] = ()) -> Store:
    """The store at `uri` for reading releases; with `keys` or GANYMEDE_TRUSTED_KEYS, only what those signed.

    Raises:
        StoreError: the URI is wrong.
        WrongKey: a file is no public key.
    """
    store = open_store(uri)
    trusted = TrustedKeys(keys) if keys else parse_key_files(os.environ.get("GANYMEDE_TRUSTED_KEYS"))
    return store if trusted is None else TrustedStore(store, trusted)


def sign_new(manifest: Manifest, key: Path | None) -> bytes | None:
    """The signature of a version that is about to be published, None without a key."""
    return None if key is None else sign_manifest(manifest, encode_manifest(manifest), key)

"""From the URI a person writes to the store it means."""

from pathlib import Path

from service.errors import StoreError
from service.signatures import TrustedKeys
from service.store.folder import FolderStore
from service.store.interface import Sent, Store
from service.store.trusted import TrustedStore


def open_store(uri: str, *, sent: Sent | None = None, timeout_s: float = 10.0) -> Store:
    """The store at `uri`, a folder's path or `s3://bucket/prefix`.

    `sent` is told how an upload gets on; `timeout_s` is of one attempt at a request to S3.

    Raises:
        StoreError: the URI's scheme is not one we know, or it names no bucket.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return FolderStore(Path(uri))
    if scheme == "file":
        return FolderStore(Path(rest))
    if scheme != "s3":
        raise StoreError(f"{uri}: a model store is a folder or s3://bucket/prefix, not {scheme}://.")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise StoreError(f"{uri}: the bucket is missing; write s3://bucket/prefix.")
    from service.store.s3 import S3Store  # boto3 takes its time: only who asks for S3 waits for it

    return S3Store(bucket, prefix, sent=sent, timeout_s=timeout_s)


def open_served_store(
    uri: str,
    *,
    cache: str | None,
    cache_max_bytes: int,
    timeout_s: float,
    trusted_keys: TrustedKeys | None = None,
) -> Store:
    """The store at `uri` for a service: one in S3 is read through a cache on this machine.

    With `trusted_keys`, only what one of them signed is opened, wherever it was read.

    Raises:
        StoreError: as `open_store`, or the folder `cache` cannot be written.
    """
    from service.store.cached import CachedStore, open_cache

    store = open_store(uri, timeout_s=timeout_s)
    if not isinstance(store, FolderStore):
        store = CachedStore(store, open_cache(cache, max_bytes=cache_max_bytes))
    return store if trusted_keys is None else TrustedStore(store, trusted_keys)

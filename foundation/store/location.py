"""From the URI a person writes to the store it means."""

import logging
import os
import re
from pathlib import Path
from urllib.parse import unquote

from foundation.errors import StoreError
from foundation.signatures import TrustedKeys
from foundation.store.folder import FolderStore
from foundation.store.interface import Sent, Store
from foundation.store.trusted import TrustedStore

log = logging.getLogger(__name__)


def open_store(uri: str, *, sent: Sent | None = None, timeout_s: float = 10.0) -> Store:
    """The store at `uri`, a folder's path or `s3://bucket/prefix`.

    `sent` is told how an upload gets on; `timeout_s` is of one attempt at a request to S3.

    Raises:
        StoreError: the URI's scheme is not one we know, or it names no bucket or no folder.
    """
    uri = uri.strip()
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return FolderStore(_find_folder(uri))
    scheme = scheme.lower()
    if scheme == "file":
        return FolderStore(_find_folder_of_file_uri(uri, rest))
    if scheme != "s3":
        raise StoreError(f"{uri}: a model store is a folder or s3://bucket/prefix, not {scheme}://.")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise StoreError(f"{uri}: the bucket is missing; write s3://bucket/prefix.")
    from foundation.store.s3 import S3Store  # boto3 takes its time: only who asks for S3 waits for it

    return S3Store(bucket, prefix, sent=sent, timeout_s=timeout_s)


def _find_folder(text: str) -> Path:
    """The folder that `text` means, with `~` and variables put in, as no shell does in an env file."""
    if not text:
        raise StoreError("The model store has no name: write a folder or s3://bucket/prefix.")
    if re.match(r"s3:|file:", text, re.IGNORECASE):
        raise StoreError(f"{text}: write s3://bucket/prefix, or file:///folder, with both slashes.")
    if os.name == "posix" and re.match(r"[A-Za-z]:[\\/]|\\\\", text):
        raise StoreError(f"{text} is a path of Windows, which this machine has not.")
    if "$" in text and not Path(text).exists():
        expanded = os.path.expandvars(text)
        if expanded == text or "$" in expanded:
            raise StoreError(f"{text} names a variable that is not set.")
        text = expanded
    if text.startswith("~") and not Path(text).exists():
        try:
            return Path(text).expanduser()
        except RuntimeError:
            raise StoreError(f"{text}: this machine has no user of that name with a home folder.") from None
    if "\0" in text:
        raise StoreError(f"{text!r} cannot be the name of a folder.")
    return Path(text)


def _find_folder_of_file_uri(uri: str, rest: str) -> Path:
    """The folder of a `file` URI (RFC 8089), whose host is empty or this machine."""
    host, _, path = rest.partition("/")
    if host.lower() not in ("", "localhost"):
        raise StoreError(f"{uri}: a file URI has three slashes; write file:///{rest} or the path alone.")
    return Path("/" + unquote(path))


def open_served_store(
    uri: str,
    *,
    cache: str | None,
    cache_max_bytes: int,
    timeout_s: float,
    call_timeout_s: float = 30.0,
    trusted_keys: TrustedKeys | None = None,
) -> Store:
    """The store at `uri` for a service: every call ends in time, and S3 is read through a cache here.

    With `trusted_keys`, only what one of them signed is opened, wherever it was read.

    Raises:
        StoreError: as `open_store`, or the folder `cache` cannot be written.
    """
    from foundation.store.cached import CachedStore, open_cache
    from foundation.store.timed import TimedStore

    store = open_store(uri, timeout_s=timeout_s)
    timed = TimedStore(store, call_timeout_s=call_timeout_s)
    if isinstance(store, FolderStore):
        if not os.path.exists(store.root):  # noqa: PTH110 - which raises nothing where it may not look
            log.warning(
                "There is no folder %s to be seen (GANYMEDE_MODELS); it is looked for again.", store.root
            )
        served: Store = timed
    else:
        served = CachedStore(timed, open_cache(cache, max_bytes=cache_max_bytes))
    return served if trusted_keys is None else TrustedStore(served, trusted_keys)

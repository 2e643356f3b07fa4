"""Train a GAN, ship it as an API: the command line, and a generator as a library.

    import ganymede

    with ganymede.connect("http://127.0.0.1:8000") as service:
        service.generate("emoji", seeds=range(16)).save("grid.png")

    ganymede.open("models").generate("emoji", seeds=range(16))  # the same pictures, without a service

Importing this loads nothing of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganymede.library.async_client import AsyncClient
    from ganymede.library.client import Client
    from ganymede.library.local import Local

__all__ = ["connect", "connect_async", "open"]


def connect(
    url: str, key: str | None = None, *, timeout_s: float = 60.0, tries: int = 5, patience_s: float = 60.0
) -> "Client":
    """The service at `url`, which is asked with the API key `key`; a context manager.

    A request may take `timeout_s`. Where nothing answers, or the answer is 429 or 503, it is made `tries`
    times in all, after the service's `Retry-After`; its waits take `patience_s` together at most.

    Raises:
        LibraryMissing: httpx is not installed: pip install 'ganymede[client]'.
        WrongUse: `url` is no address of a service.
    """
    from ganymede.extras import naming_missing

    with naming_missing("ganymede.connect"):
        from ganymede.library.client import Client

    return Client(url, key, timeout_s=timeout_s, tries=tries, patience_s=patience_s)


def connect_async(
    url: str, key: str | None = None, *, timeout_s: float = 60.0, tries: int = 5, patience_s: float = 60.0
) -> "AsyncClient":
    """The same for an event loop: an asynchronous context manager, whose methods are awaited.

    Raises:
        LibraryMissing, WrongUse: as `connect`.
    """
    from ganymede.extras import naming_missing

    with naming_missing("ganymede.connect_async"):
        from ganymede.library.async_client import AsyncClient

    return AsyncClient(url, key, timeout_s=timeout_s, tries=tries, patience_s=patience_s)


def open(models: str | Path, *, trusted_keys: Sequence[str | Path] = ()) -> "Local":
    """The model store at `models`, a folder or s3://bucket/prefix, in this process and without a service.

    With `trusted_keys`, files of public keys, only what one of them signed is opened.

    Raises:
        LibraryMissing: the service's packages are not installed: pip install 'ganymede[service]'.
        StoreError: the URI is wrong.
    """
    from ganymede.extras import naming_missing

    with naming_missing("ganymede.open"):
        from ganymede.library.local import Local

    return Local(models, trusted_keys=trusted_keys)

"""From the URI a person writes to the store it means."""

from pathlib import Path

from service.errors import StoreError
from service.store.folder import FolderStore
from service.store.interface import Store


def open_store(uri: str) -> Store:
    """The store at `uri`, a folder's path.

    Raises:
        StoreError: the URI's scheme is not one we know.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return FolderStore(Path(uri))
    if scheme == "file":
        return FolderStore(Path(rest))
    raise StoreError(f"{uri}: a model store is a folder, not {scheme}://.")

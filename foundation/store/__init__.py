"""The model store: releases in a folder or a bucket, behind one small interface.

It imports the foundation alone; the S3 client is loaded with the first bucket.
"""

from foundation.store.aliases import PRODUCTION, Alias, Aliases
from foundation.store.folder import FolderStore
from foundation.store.interface import Sent, Store
from foundation.store.location import open_served_store, open_store
from foundation.store.promotion import promote, rollback
from foundation.store.publication import describe_file, next_version
from foundation.store.reference import Reference, parse_reference, resolve_version

__all__ = [
    "PRODUCTION",
    "Alias",
    "Aliases",
    "FolderStore",
    "Reference",
    "Sent",
    "Store",
    "describe_file",
    "next_version",
    "open_served_store",
    "open_store",
    "parse_reference",
    "promote",
    "resolve_version",
    "rollback",
]

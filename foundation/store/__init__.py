"""The model store: releases in a folder or a bucket, behind one small interface.

It imports the foundation alone; the S3 client is loaded with the first bucket.
"""

from foundation.store.aliases import PRODUCTION, Alias, Aliases, Canary
from foundation.store.folder import FolderStore
from foundation.store.interface import Sent, Store
from foundation.store.location import open_served_store, open_store
from foundation.store.promotion import promote, rollback, try_out
from foundation.store.publication import describe_file, describe_files, next_version
from foundation.store.reference import Reference, parse_reference, resolve_alias, resolve_version

__all__ = [
    "PRODUCTION",
    "Alias",
    "Aliases",
    "Canary",
    "FolderStore",
    "Reference",
    "Sent",
    "Store",
    "describe_file",
    "describe_files",
    "next_version",
    "open_served_store",
    "open_store",
    "parse_reference",
    "promote",
    "resolve_alias",
    "resolve_version",
    "rollback",
    "try_out",
]

"""The model store: releases in a folder or a bucket, behind one small interface."""

from service.store.aliases import PRODUCTION, Alias, Aliases
from service.store.folder import FolderStore
from service.store.interface import Sent, Store
from service.store.location import open_served_store, open_store
from service.store.promotion import promote, rollback
from service.store.publication import describe_file, next_version
from service.store.reference import Reference, parse_reference, resolve_version

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

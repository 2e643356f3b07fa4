"""The source `s3://bucket/prefix`: pictures as in a folder, or one NumPy archive, read from S3 once."""

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from foundation.store.s3_client import NoList, explain, make_client
from foundation.store.s3_read import read_pieces
from training.data.cache import MAX_BYTES, prepared_entry
from training.data.decoding import PictureFile, write_pictures
from training.data.folder import entry_key, is_hidden, load_part
from training.data.layout import Grouped, arrange
from training.data.listing import MAX_FILES
from training.data.npz import load_npz
from training.data.pictures import Pictures, Request
from training.data.prepared import open_prepared
from training.errors import DataError

TIMEOUT_S = 60.0
READERS = 8
MAX_PICTURE_BYTES = 2**28
ARCHIVE = "archive.npz"
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Item:
    """An object: its key, its size, and the ETag that changes with its content."""

    key: str
    size_bytes: int
    tag: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and how to speak to it."""

    client: Any
    name: str

    @contextmanager
    def explained(self, place: str) -> Iterator[None]:
        """Turn what boto3 raises about `place` into a DataError."""
        try:
            yield
        except (DataError, MemoryError):
            raise
        except Exception as error:  # a server that is none answers what boto3 has no exception for
            if isinstance(error, OSError) and error.errno in UNWRITABLE:
                raise  # of this machine's disk
            sentence = explain(error, f"s3://{self.name}/{place}", self.client.meta.endpoint_url)
            raise DataError(str(sentence)) from error

    def list(self, prefix: str) -> dict[str, Item]:
        """Return the object called `prefix` and those in the folder of that name, by their names there."""
        start = f"{prefix}/" if prefix else ""
        found: dict[str, Item] = {}
        with self.explained(prefix):
            for page in self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix
            ):
                if "IsTruncated" not in page and "Name" not in page:
                    raise NoList
                for entry in page.get("Contents", []):
                    key = entry["Key"]
                    name = name_inside(key, start)
                    if (key == prefix or key.startswith(start)) and not (
                        key.endswith("/") or is_hidden(name)
                    ):
                        found[name] = Item(key, entry["Size"], entry["ETag"])
        return found

    def read(self, item: Item) -> BinaryIO:
        """Read an object whole, going on where a connection breaks."""
        with self.explained(item.key):
            target = {"Bucket": self.name, "Key": item.key}
            return io.BytesIO(b"".join(read_pieces(self.client, target, item.size_bytes, item.tag)))

    def download(self, folder: Path, key: str) -> None:
        """Write an object into `folder` as archive.npz."""
        with self.explained(key):
            self.client.download_file(self.name, key, str(folder / ARCHIVE))


def load_s3(request: Request) -> Pictures:
    """Prepare the pictures under a prefix, once, and return them.

    Raises:
        DataError: S3 refuses or does not answer, or there are no pictures.
    """
    name, _, prefix = request.value.removeprefix("//").partition("/")
    if not request.value.startswith("//") or not name:
        raise DataError(f"s3:{request.value} names no bucket. Write s3://bucket/prefix.")
    bucket, origin = Bucket(make_client(TIMEOUT_S), name), f"s3:{request.value}"
    items = bucket.list(prefix.strip("/"))
    check_bounds(items, origin)
    if len(items) == 1 and next(iter(items)).endswith(".npz"):
        (item,) = items.values()
        folder = prepared_entry(
            entry_key(request, [origin, item.tag]), partial(bucket.download, key=item.key)
        )
        return load_npz(replace(request, value=str(folder / ARCHIVE)))
    layout = arrange(sorted(items), origin)

    def prepare(grouped: Grouped, part: Request) -> Pictures:
        files = [PictureFile(name, group, partial(bucket.read, items[name])) for name, group in grouped]
        write = partial(write_pictures, files=files, request=part, origin=origin, readers=READERS)
        stamps = [origin, *(f"{name} {items[name].tag}" for name, _ in grouped)]
        return open_prepared(prepared_entry(entry_key(part, stamps), write), part)

    return load_part(layout, request, prepare)


def name_inside(key: str, start: str) -> str:
    """Return the name of the object `key` in the folder `start`, as files have names: `a//b` is `a/b`."""
    name = key.removeprefix(start) if key.startswith(start) else Path(key).name
    return "/".join(part for part in name.split("/") if part)


def check_bounds(items: dict[str, Item], origin: str) -> None:
    """Raise DataError where there is nothing, or more than anyone means by a set of pictures."""
    if not items:
        raise DataError(f"{origin} holds no files. Put pictures there, or into a folder for each class.")
    total = sum(item.size_bytes for item in items.values())
    if len(items) > MAX_FILES or total > MAX_BYTES:
        raise DataError(
            f"{origin} holds {len(items)} files of {total / 1e9:.1f} GB in all; at most {MAX_FILES} and "
            f"{MAX_BYTES / 1e9:.1f} GB are read. Name a prefix with fewer."
        )
    largest, item = max(items.items(), key=lambda entry: entry[1].size_bytes)
    if item.size_bytes > MAX_PICTURE_BYTES and not largest.endswith(".npz"):
        raise DataError(
            f"{origin}: {largest} has {item.size_bytes / 1e6:.0f} MB; a picture may have "
            f"{MAX_PICTURE_BYTES / 1e6:.0f}."
        )

"""Shards under a prefix of a bucket; a shard carries its sha256, and S3 checks it as it comes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from foundation.errors import GanymedeError
from foundation.locked_folders import locked_folder
from foundation.store.publication import describe_file
from foundation.store.s3_client import Target as Object
from foundation.store.s3_client import explain, is_missing, make_client
from foundation.store.s3_write import ConditionFailed, Writer, head, metadata_of

_TIMEOUT_S = 60.0


class BucketTarget:
    """Objects under `s3://bucket/prefix`."""

    def __init__(self, uri: str) -> None:
        """`uri` is one that `foundation.store.open_store` takes."""
        self._bucket, _, prefix = uri.partition("://")[2].partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = make_client(_TIMEOUT_S)
        self._writer = Writer(self._client, lambda *_: None)

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def names(self) -> set[str]:
        """See `Target.names`."""
        with self._explained():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            found = (entry["Key"] for page in pages for entry in page.get("Contents", []))
            return {key.removeprefix(self._prefix) for key in found}

    def read(self, name: str) -> bytes | None:
        """See `Target.read`."""
        target = self._object(name)
        with self._explained():
            try:
                content: bytes = self._client.get_object(**target)["Body"].read()
            except self._client.exceptions.ClientError as error:
                if is_missing(self._client, target, error):
                    return None
                raise
            return content

    def write(self, name: str, content: bytes) -> None:
        """See `Target.write`."""
        with self._explained():
            self._writer.put(self._object(name), content)

    def write_first(self, name: str, content: bytes) -> bytes:
        """See `Target.write_first`: by `If-None-Match`."""
        with self._explained():
            try:
                self._writer.put_if(self._object(name), content, tag=None)
            except ConditionFailed:
                return self.read(name) or b""
            return content

    def drafts(self) -> AbstractContextManager[Path]:
        """See `Target.drafts`: in the system's folder for temporary files."""
        return locked_folder("shards")

    def put(self, draft: Path, name: str) -> None:
        """See `Target.put`; what lies there otherwise goes first."""
        entry, target = describe_file(draft), self._object(name)
        with self._explained():
            if head(self._client, target) and not self.holds(name, entry.size_bytes, entry.sha256):
                self._client.delete_object(**target)
            self._writer.put_file(target, draft, entry, self.location)

    def holds(self, name: str, size_bytes: int, sha256: str) -> bool:
        """See `Target.holds`; the sum is the one that S3 was given with it."""
        with self._explained():
            found = head(self._client, self._object(name))
        return (
            found is not None
            and found["ContentLength"] == size_bytes
            and metadata_of(found).get("sha256") == sha256
        )

    def _object(self, name: str) -> Object:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (GanymedeError, ConditionFailed):
            raise
        except Exception as error:
            raise explain(error, self.location, self._client.meta.endpoint_url) from error

"""The objects under a prefix of a bucket: by path, with every error explained and the last one remembered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from foundation.errors import GanymedeError, ReleaseRefused, StoreUnreachable
from foundation.store.s3_client import NoList, explain, is_archived, is_missing, status_of
from foundation.store.s3_read import read_document
from foundation.store.s3_write import ConditionFailed


class NotModified(Exception):
    """An object is still what it was when its ETag was read."""


class Bucket:
    """A bucket and a prefix in it, which is empty or ends with a slash."""

    def __init__(self, client: Any, name: str, prefix: str) -> None:
        self._client = client
        self._name = name
        self._prefix = prefix
        self.failure: StoreUnreachable | None = None
        """Why the last call failed."""

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._name}/{self._prefix}".rstrip("/")

    def target(self, path: str) -> dict[str, str]:
        """How boto3 wants the object at `path` named."""
        return {"Bucket": self._name, "Key": self._prefix + path}

    def get(self, path: str, **condition: str) -> tuple[bytes, str | None] | None:
        """A small object's content and ETag, None if there is none."""
        target = self.target(path)
        with self.explained():
            try:
                return read_document(self._client, target, path, **condition)
            except ClientError as error:
                if status_of(error) == 304:
                    raise NotModified from error
                if is_missing(self._client, target, error):
                    return None
                raise

    def keys(self, start: str) -> Iterator[str]:
        """All keys under the prefix that begin with `start`, without the prefix."""
        with self.explained():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, Prefix=self._prefix + start):
                if "IsTruncated" not in page and "Name" not in page:
                    raise NoList
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._prefix)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let what S3 and boto3 raise leave as StoreUnreachable, and remember the last one."""
        try:
            yield
        except (GanymedeError, NotModified, ConditionFailed):
            self.failure = None
            raise
        except Exception as error:  # a server that is none answers what boto3 has no exception for
            failure = explain(error, self.location, self._client.meta.endpoint_url)
            self.failure = None if is_archived(error) else failure
            if is_archived(error):
                raise ReleaseRefused(str(failure)) from error
            raise failure from error
        self.failure = None

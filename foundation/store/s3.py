"""A model store in a bucket of S3, or of anything that speaks its language."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import ClientError

from foundation.errors import GanymedeError, ModelNotFound, ReleaseRefused, StoreError, StoreUnreachable
from foundation.manifest import MANIFEST_FILE, File, Manifest
from foundation.names import is_name
from foundation.signatures import SIGNATURE_FILE
from foundation.store.aliases import ALIASES_FILE, Aliases, aliases_moved
from foundation.store.interface import MAX_READ_BYTES, Sent
from foundation.store.publication import (
    already_published,
    already_signed,
    check_bytes,
    check_file,
    check_signature_size,
    check_size,
    encode_manifest,
    entry_of,
    parse_manifest,
    version_order,
)
from foundation.store.s3_client import NoList, explain, is_archived, is_missing, make_client, status_of
from foundation.store.s3_keys import is_manifest, key_of
from foundation.store.s3_read import read_document, read_pieces
from foundation.store.s3_write import ConditionFailed, Writer, head

_NO_TAG = '"none"'
"""Of an object that a store gave no ETag: it is read again each time, and never changed by comparison."""


class S3Store:
    """Releases under `s3://bucket/prefix`; a publication becomes visible with its manifest, written last."""

    def __init__(
        self, bucket: str, prefix: str = "", *, sent: Sent | None = None, timeout_s: float = 10.0
    ) -> None:
        """`timeout_s` is of one attempt until its answer, and for each further piece of it."""
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = make_client(timeout_s)
        self._writer = Writer(self._client, sent or (lambda *_: None))
        self._failure: StoreUnreachable | None = None

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why the last call failed; see `Store.failure`."""
        return self._failure

    def models(self) -> list[str]:
        """Names of the models that have a version, in order."""
        parts = (key.split("/") for key in self._keys(""))
        return sorted({path[0] for path in parts if len(path) == 4 and is_manifest(path)})

    def versions(self, model: str) -> list[str]:
        """Versions of `model` that have a manifest, oldest first."""
        if not is_name(model):
            return []
        parts = (key.split("/") for key in self._keys(f"{model}/versions/"))
        return sorted((path[2] for path in parts if len(path) == 4 and is_manifest(path)), key=version_order)

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`."""
        return parse_manifest(self.manifest_text(model, version), model, version)

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's manifest; see `Store.manifest_text`."""
        known = is_name(model) and is_name(version)
        found = self._get(key_of(model, version, MANIFEST_FILE)) if known else None
        if found is None:
            raise ModelNotFound(
                f"There is no {f'{model}@{version}'[:160]!r} in {self.location}.", location=self.location
            )
        return found[0]

    def signature(self, model: str, version: str) -> bytes | None:
        """The signature of one version; see `Store.signature`."""
        found = self._get(key_of(model, version, SIGNATURE_FILE))
        if found is not None:
            check_signature_size(len(found[0]), model, version)
        return found[0] if found else None

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """Add a signature unless there is one; see `Store.add_signature`."""
        path = key_of(manifest.name, manifest.version, SIGNATURE_FILE)
        self._put(path, content, already_signed(manifest), tag=None)

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """The checked bytes of a file of the release, which touch no disk; see `Store.read`."""
        entry = entry_of(manifest, path, max_bytes=max_bytes)
        content = b"".join(self._pieces(manifest, entry))
        check_bytes(content, entry, manifest.reference)
        return content

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Write a checked file of the release to `target`; see `Store.fetch`."""
        entry = entry_of(manifest, path)
        pieces = self._pieces(manifest, entry)
        first = next(pieces, b"")  # a file that is refused leaves no trace
        with target.open("wb") as file:
            file.write(first)
            file.writelines(pieces)
        check_file(target, entry, manifest.reference)

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model` by a conditional GET; see `Store.aliases`."""
        if not is_name(model):
            return Aliases()
        condition = {"IfNoneMatch": known.revision} if known and known.revision else {}
        try:
            found = self._get(f"{model}/{ALIASES_FILE}", **condition)
        except _NotModified:
            assert known is not None  # noqa: S101 - only a condition brings this answer
            return known
        if found is None:
            return Aliases()
        content, tag = found
        return Aliases.from_json(content, tag or _NO_TAG, where=f"{model}/{ALIASES_FILE}")

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the object is still `old`'s; see `Store.swap_aliases`."""
        self._put(f"{model}/{ALIASES_FILE}", new.to_json(), aliases_moved(model), tag=old.revision)

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """Add a release: the files, then the manifest; see `Store.publish`.

        Cut off anywhere, it can be run again with the same files and goes on where it stopped.
        """
        folder = key_of(manifest.name, manifest.version, "")
        with self._explained():
            if head(self._client, self._target(folder + MANIFEST_FILE)) is not None:
                raise already_published(manifest)
            for entry in manifest.files:
                target = self._target(folder + entry.path)
                self._writer.put_file(target, files[entry.path], entry, manifest.reference)
            if signature is not None:  # of a publication that was cut off one may lie here: of no worth
                self._writer.put(self._target(folder + SIGNATURE_FILE), signature)
        text = encode_manifest(manifest)
        self._put(folder + MANIFEST_FILE, text, already_published(manifest), tag=None)

    def _put(self, path: str, content: bytes, otherwise: StoreError, *, tag: str | None) -> None:
        """Write a small object if what is there has `tag`; `otherwise` is raised if it has not."""
        try:
            with self._explained():
                self._writer.put_if(self._target(path), content, tag=tag)
        except ConditionFailed:
            raise otherwise from None

    def _target(self, path: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + path}

    def _pieces(self, manifest: Manifest, entry: File) -> Iterator[bytes]:
        """The unchecked content of a file of the release, at most as long as its entry says."""
        source = self._target(key_of(manifest.name, manifest.version, entry.path))
        with self._explained():
            found = head(self._client, source)
        if found is None:
            raise ReleaseRefused(f"{manifest.reference}: the file {entry.path} is missing.")
        if found.get("ContentLength") is not None:
            check_size(found["ContentLength"], entry, manifest.reference)
        pieces = read_pieces(self._client, source, entry.size_bytes, found.get("ETag"))
        while True:  # what the reader of the pieces raises is none of S3's
            with self._explained():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def _get(self, path: str, **condition: str) -> tuple[bytes, str | None] | None:
        """A small object's content and ETag, None if there is none."""
        target = self._target(path)
        with self._explained():
            try:
                return read_document(self._client, target, path, **condition)
            except ClientError as error:
                if status_of(error) == 304:
                    raise _NotModified from error
                if is_missing(self._client, target, error):
                    return None
                raise

    def _keys(self, start: str) -> Iterator[str]:
        """All keys under the prefix that begin with `start`, without the prefix."""
        with self._explained():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + start):
                if "IsTruncated" not in page and "Name" not in page:
                    raise NoList
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._prefix)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Let what S3 and boto3 raise leave as StoreUnreachable, and remember the last one."""
        try:
            yield
        except (GanymedeError, _NotModified, ConditionFailed):
            self._failure = None
            raise
        except Exception as error:  # a server that is none answers what boto3 has no exception for
            failure = explain(error, self.location, self._client.meta.endpoint_url)
            self._failure = None if is_archived(error) else failure
            if is_archived(error):
                raise ReleaseRefused(str(failure), outside=failure.for_strangers()) from error
            raise failure from error
        self._failure = None


class _NotModified(Exception):
    pass

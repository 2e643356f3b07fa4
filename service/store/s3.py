"""A model store in a bucket of S3, or of anything that speaks its language."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import ModelNotFound, ReleaseRefused, StoreError, StoreUnreachable
from service.manifest import MANIFEST_FILE, Manifest, is_name
from service.signatures import SIGNATURE_FILE
from service.store.aliases import ALIASES_FILE, Aliases, aliases_moved
from service.store.interface import Sent
from service.store.publication import (
    already_published,
    already_signed,
    check_file,
    check_signature_size,
    check_size,
    encode_manifest,
    entry_of,
    parse_manifest,
    version_order,
)
from service.store.s3_client import explain, is_missing, make_client, status_of
from service.store.s3_write import ConditionFailed, head, put_file, put_if

MAX_DOCUMENT_BYTES = 4 * 2**20
"""Of a manifest or an alias file."""
DOWNLOAD_TIMEOUT_S = 900
_TRANSFER = TransferConfig(max_concurrency=4, max_io_queue=16, io_chunksize=2**20)


class S3Store:
    """Releases under `s3://bucket/prefix`; a publication becomes visible with its manifest, written last."""

    def __init__(
        self, bucket: str, prefix: str = "", *, sent: Sent | None = None, timeout_s: float = 10.0
    ) -> None:
        """`timeout_s` is of one attempt until its answer, and for each further piece of it."""
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._sent = sent or (lambda *_: None)
        self._client = make_client(timeout_s)
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
        return sorted({path[0] for path in parts if len(path) == 4 and _is_manifest(path)})

    def versions(self, model: str) -> list[str]:
        """Versions of `model` that have a manifest, oldest first."""
        if not is_name(model):
            return []
        parts = (key.split("/") for key in self._keys(f"{model}/versions/"))
        return sorted((path[2] for path in parts if len(path) == 4 and _is_manifest(path)), key=version_order)

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`."""
        return parse_manifest(self.manifest_text(model, version), model, version)

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's manifest; see `Store.manifest_text`."""
        known = is_name(model) and is_name(version)
        found = self._get(_path(model, version, MANIFEST_FILE)) if known else None
        if found is None:
            raise ModelNotFound(f"There is no {model}@{version} in {self.location}.")
        return found[0]

    def signature(self, model: str, version: str) -> bytes | None:
        """The signature of one version; see `Store.signature`."""
        found = self._get(_path(model, version, SIGNATURE_FILE))
        if found is not None:
            check_signature_size(len(found[0]), model, version)
        return found[0] if found else None

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """Add a signature unless there is one; see `Store.add_signature`."""
        path = _path(manifest.name, manifest.version, SIGNATURE_FILE)
        self._put(path, content, already_signed(manifest), IfNoneMatch="*")

    def read(self, manifest: Manifest, path: str) -> bytes:
        """The checked bytes of a file of the release; see `Store.read`."""
        with tempfile.TemporaryDirectory() as folder:
            self.fetch(manifest, path, Path(folder) / "file")
            return (Path(folder) / "file").read_bytes()

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Write a checked file of the release to `target`; see `Store.fetch`."""
        entry = entry_of(manifest, path)
        source = self._target(_path(manifest.name, manifest.version, path))
        deadline = time.monotonic() + DOWNLOAD_TIMEOUT_S

        def on_progress(_: int) -> None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} took more than {DOWNLOAD_TIMEOUT_S} s")

        with self._explained():
            found = head(self._client, source)
            if found is not None:
                check_size(found["ContentLength"], entry, manifest.reference)
                self._client.download_file(
                    *source.values(), str(target), Callback=on_progress, Config=_TRANSFER
                )
        if found is None:
            raise ReleaseRefused(f"{manifest.reference}: the file {path} is missing.")
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
        return Aliases.from_json(*found, where=f"{model}/{ALIASES_FILE}")

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the object is still `old`'s; see `Store.swap_aliases`."""
        condition = {"IfMatch": old.revision} if old.revision else {"IfNoneMatch": "*"}
        self._put(f"{model}/{ALIASES_FILE}", new.to_json(), aliases_moved(model), **condition)

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """Add a release: the files, then the manifest; see `Store.publish`.

        Cut off anywhere, it can be run again with the same files and goes on where it stopped.
        """
        folder = _path(manifest.name, manifest.version, "")
        with self._explained():
            if head(self._client, self._target(folder + MANIFEST_FILE)) is not None:
                raise already_published(manifest)
            for entry in manifest.files:
                target = self._target(folder + entry.path)
                put_file(self._client, target, files[entry.path], entry, manifest.reference, self._sent)
            if signature is not None:  # of a publication that was cut off one may lie here: of no worth
                self._client.put_object(**self._target(folder + SIGNATURE_FILE), Body=signature)
        text = encode_manifest(manifest)
        self._put(folder + MANIFEST_FILE, text, already_published(manifest), IfNoneMatch="*")

    def _put(self, path: str, content: bytes, otherwise: StoreError, **condition: str) -> None:
        """Write a small object if `condition` holds; `otherwise` is raised if it does not."""
        try:
            with self._explained():
                put_if(self._client, self._target(path), content, **condition)
        except ConditionFailed:
            raise otherwise from None

    def _target(self, path: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + path}

    def _get(self, path: str, **condition: str) -> tuple[bytes, str] | None:
        """A small object's content and ETag, None if there is none."""
        target = self._target(path)
        with self._explained():
            try:
                answer = self._client.get_object(**target, **condition)
                if answer["ContentLength"] > MAX_DOCUMENT_BYTES:
                    raise ReleaseRefused(f"{path} has more than {MAX_DOCUMENT_BYTES:,} bytes.")
                return answer["Body"].read(), answer["ETag"]
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
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._prefix)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Let boto3's errors leave as StoreUnreachable, and remember the last one."""
        failure = None
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error, TimeoutError) as error:
            failure = explain(error, self.location, self._client.meta.endpoint_url)
            raise failure from error
        finally:
            self._failure = failure


class _NotModified(Exception):
    pass


def _is_manifest(path: list[str]) -> bool:
    model, versions, version, file = path
    return versions == "versions" and file == MANIFEST_FILE and is_name(model) and is_name(version)


def _path(model: str, version: str, file: str) -> str:
    return f"{model}/versions/{version}/{file}"

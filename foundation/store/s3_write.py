"""Conditional writes to S3: an object comes to be once, or changes only from what its writer read."""

import hashlib
import logging
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from foundation.errors import ReleaseRefused, StoreError
from foundation.manifest import File
from foundation.store.interface import Sent
from foundation.store.s3_checksums import Checksums
from foundation.store.s3_client import Target, code_of, is_missing, status_of

log = logging.getLogger(__name__)

PART_BYTES = 8 * 2**20
MAX_PARTS = 10_000
_NOBODYS_TAG = '"00000000000000000000000000000000"'


class ConditionFailed(Exception):
    """The object exists already, or is no longer the one that was read."""


class Writer:
    """Writes through one client; learns what the store at its end can do."""

    def __init__(self, client: Any, sent: Sent) -> None:
        self._client = client
        self._sent = sent
        self._checksums = Checksums()

    def put(self, target: Target, content: bytes) -> None:
        """Write a small object, whatever is there."""
        self._checksums.put(self._client.put_object, content, **target)

    def put_if(self, target: Target, content: bytes, *, tag: str | None) -> None:
        """Write a small object if the one there has the ETag `tag`, or if there is none (RFC 9110).

        An answer may get lost and botocore ask again: then the object is already ours, known by its mark.
        A store that ignores conditions lets one pass that cannot hold; there, looking first must do.

        Raises:
            ConditionFailed: it does not hold (412; 404 for a key that went; 409 for another writer).
        """
        found = head(self._client, target)
        if (found is None) != (tag is None) or (found and tag and not _same_tag(found.get("ETag"), tag)):
            raise ConditionFailed
        mark = uuid.uuid4().hex
        if self._put(target, content, mark, IfMatch=_NOBODYS_TAG):
            log.warning(
                "the store ignores conditions: of two who write %s at once the last wins unnoticed; "
                "publish and promote from one place at a time",
                target["Key"],
            )
            return
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        if not self._put(target, content, mark, **condition):
            found = head(self._client, target)
            if found is None or metadata_of(found).get("write") != mark:
                raise ConditionFailed

    def put_file(self, target: Target, path: Path, entry: File, reference: str) -> None:
        """Write one file of a release, in parts if it is large, unless a cut-off publication already did.

        At most one part of it is in memory. Its sha256 is kept in the object's metadata, and S3 checks that
        of every part.

        Raises:
            ReleaseRefused: the file is not what its manifest entry says; nothing is visible.
            StoreError: other content lies under the key, left by another publication.
        """
        if self._is_there(target, entry, reference):
            self._sent(entry.path, entry.size_bytes, entry.size_bytes)
            return
        try:
            if entry.size_bytes <= PART_BYTES:
                self._put_whole(target, path, entry, reference)
                self._sent(entry.path, entry.size_bytes, entry.size_bytes)
            else:
                self._put_parts(target, path, entry, reference)
        except ClientError as error:
            # An answer may get lost: what is completed once more is no upload any longer.
            if status_of(error) not in (409, 412) and code_of(error) != "NoSuchUpload":
                raise
            if not self._is_there(target, entry, reference):
                raise StoreError(
                    f"{reference}: someone else is writing {entry.path} right now; try again."
                ) from error

    def _put(self, target: Target, content: bytes, mark: str, **condition: str) -> bool:
        """Whether the store found that the condition holds, and wrote."""
        try:
            self._checksums.put(
                self._client.put_object,
                content,
                **target,
                ContentType="application/json",
                Metadata={"write": mark},
                **condition,
            )
        except ClientError as error:
            probing = _NOBODYS_TAG in condition.values()
            if status_of(error) in (404, 409, 412) and "NoSuchBucket" not in str(error):
                return False
            if probing and status_of(error) == 501:  # this condition alone may be unknown there
                return False
            raise
        return True

    def _is_there(self, target: Target, entry: File, reference: str) -> bool:
        found = head(self._client, target)
        if found is None:
            return False
        if found["ContentLength"] == entry.size_bytes and metadata_of(found).get("sha256") == entry.sha256:
            return True
        raise StoreError(
            f"{reference}: {entry.path} with other content was left by a publication that was cut off. "
            "Run that one again, or choose another version."
        )

    def _put_whole(self, target: Target, path: Path, entry: File, reference: str) -> None:
        content = path.read_bytes()
        _check(len(content), hashlib.sha256(content).hexdigest(), entry, reference)
        self._checksums.put(
            self._client.put_object, content, **target, IfNoneMatch="*", Metadata={"sha256": entry.sha256}
        )

    def _put_parts(self, target: Target, path: Path, entry: File, reference: str) -> None:
        part_bytes = max(PART_BYTES, -(-entry.size_bytes // MAX_PARTS))
        upload = self._checksums.begin(
            self._client.create_multipart_upload, **target, Metadata={"sha256": entry.sha256}
        )["UploadId"]
        digest, size = hashlib.sha256(), 0
        parts: list[dict[str, Any]] = []
        with path.open("rb") as file:
            while content := file.read(part_bytes):
                number = len(parts) + 1
                answer = self._checksums.put(
                    self._client.upload_part, content, **target, UploadId=upload, PartNumber=number
                )
                # A store that gives no checksum back has kept none, and wants none in the list.
                told: dict[str, Any] = {
                    name: answer[name] for name in ("ETag", "ChecksumSHA256") if name in answer
                }
                parts.append({"PartNumber": number, **told})
                digest.update(content)
                size += len(content)
                self._sent(entry.path, size, entry.size_bytes)
        _check(size, digest.hexdigest(), entry, reference)
        self._client.complete_multipart_upload(
            **target, UploadId=upload, IfNoneMatch="*", MultipartUpload={"Parts": parts}
        )


def head(client: Any, target: Target) -> dict[str, Any] | None:
    """The object's metadata, None if there is no object."""
    try:
        found: dict[str, Any] = client.head_object(**target)
    except ClientError as error:
        if is_missing(client, target, error):
            return None
        raise
    return found


def metadata_of(found: dict[str, Any]) -> dict[str, str]:
    """The user's metadata of an object, with names in lower case: some stores write them otherwise."""
    return {name.lower(): value for name, value in found.get("Metadata", {}).items()}


def _same_tag(found: str | None, known: str) -> bool:
    return found is not None and found.strip('"') == known.strip('"')


def _check(size: int, sha256: str, entry: File, reference: str) -> None:
    if (size, sha256) != (entry.size_bytes, entry.sha256):
        raise ReleaseRefused(f"{reference}: {entry.path} is not the file that its manifest describes.")

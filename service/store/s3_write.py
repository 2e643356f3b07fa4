"""Conditional writes to S3: an object comes to be once, or changes only from what its writer read."""

import base64
import hashlib
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from service.errors import ReleaseRefused, StoreError
from service.manifest import File
from service.store.interface import Sent
from service.store.s3_client import Target, is_missing, status_of

PART_BYTES = 8 * 2**20
MAX_PARTS = 10_000


class ConditionFailed(Exception):
    """The object exists already, or is no longer the one that was read."""


def put_if(client: Any, target: Target, content: bytes, **condition: str) -> None:
    """Write a small object if `condition` (`IfNoneMatch` or `IfMatch`, RFC 9110) holds.

    An answer may get lost and botocore ask again: then the object is already ours, known by its mark.

    Raises:
        ConditionFailed: it does not hold (412; 404 for a key that went; 409 for a writer at the same time).
    """
    mark = uuid.uuid4().hex
    try:
        client.put_object(
            **target,
            Body=content,
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            Metadata={"write": mark},
            **condition,
        )
    except ClientError as error:
        if status_of(error) not in (404, 409, 412) or "NoSuchBucket" in str(error):
            raise
        found = head(client, target)
        if found is None or found["Metadata"].get("write") != mark:
            raise ConditionFailed from error


def put_file(client: Any, target: Target, path: Path, entry: File, reference: str, sent: Sent) -> None:
    """Write one file of a release, in parts if it is large, unless a cut-off publication already did.

    At most one part of it is in memory. Its sha256 is kept in the object's metadata, and S3 checks that of
    every part.

    Raises:
        ReleaseRefused: the file is not what its manifest entry says; nothing is visible.
        StoreError: other content lies under the key, left by another publication.
    """
    if _is_there(client, target, entry, reference):
        sent(entry.path, entry.size_bytes, entry.size_bytes)
        return
    try:
        if entry.size_bytes <= PART_BYTES:
            _put_whole(client, target, path, entry, reference)
            sent(entry.path, entry.size_bytes, entry.size_bytes)
        else:
            _put_parts(client, target, path, entry, reference, sent)
    except ClientError as error:
        if status_of(error) not in (409, 412):
            raise
        if not _is_there(client, target, entry, reference):
            raise StoreError(
                f"{reference}: someone else is writing {entry.path} right now; try again."
            ) from error


def head(client: Any, target: Target) -> dict[str, Any] | None:
    """The object's metadata, None if there is no object."""
    try:
        found: dict[str, Any] = client.head_object(**target)
    except ClientError as error:
        if is_missing(client, target, error):
            return None
        raise
    return found


def _is_there(client: Any, target: Target, entry: File, reference: str) -> bool:
    found = head(client, target)
    if found is None:
        return False
    if found["ContentLength"] == entry.size_bytes and found["Metadata"].get("sha256") == entry.sha256:
        return True
    raise StoreError(
        f"{reference}: {entry.path} with other content was left by a publication that was cut off. "
        "Run that one again, or choose another version."
    )


def _put_whole(client: Any, target: Target, path: Path, entry: File, reference: str) -> None:
    content = path.read_bytes()
    digest = hashlib.sha256(content)
    _check(len(content), digest.hexdigest(), entry, reference)
    client.put_object(
        **target,
        Body=content,
        IfNoneMatch="*",
        ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
        Metadata={"sha256": entry.sha256},
    )


def _put_parts(client: Any, target: Target, path: Path, entry: File, reference: str, sent: Sent) -> None:
    part_bytes = max(PART_BYTES, -(-entry.size_bytes // MAX_PARTS))
    upload = client.create_multipart_upload(
        **target, ChecksumAlgorithm="SHA256", Metadata={"sha256": entry.sha256}
    )["UploadId"]
    digest, size = hashlib.sha256(), 0
    parts: list[dict[str, Any]] = []
    with path.open("rb") as file:
        while content := file.read(part_bytes):
            number = len(parts) + 1
            answer = client.upload_part(
                **target, UploadId=upload, PartNumber=number, Body=content, ChecksumAlgorithm="SHA256"
            )
            checksum = answer["ChecksumSHA256"]
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
            digest.update(content)
            size += len(content)
            sent(entry.path, size, entry.size_bytes)
    _check(size, digest.hexdigest(), entry, reference)
    client.complete_multipart_upload(
        **target, UploadId=upload, IfNoneMatch="*", MultipartUpload={"Parts": parts}
    )


def _check(size: int, sha256: str, entry: File, reference: str) -> None:
    if (size, sha256) != (entry.size_bytes, entry.sha256):
        raise ReleaseRefused(f"{reference}: {entry.path} is not the file that its manifest describes.")

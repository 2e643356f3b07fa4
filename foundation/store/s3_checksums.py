"""What a write tells an S3 store of its content, so that the store can refuse what came damaged."""

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from foundation.store.s3_client import status_of

log = logging.getLogger(__name__)

Call = Callable[..., dict[str, Any]]
"""An operation of a boto3 client."""


class Checksums:
    """A sha256 with every write; an MD5 (RFC 1864) at a store that refuses what it does not know."""

    def __init__(self) -> None:
        self._sha256 = True

    def put(self, call: Call, content: bytes, **arguments: Any) -> dict[str, Any]:
        """Call `put_object` or `upload_part` with `content` and its checksum."""
        sha256 = {"ChecksumSHA256": _encode(hashlib.sha256(content).digest())}
        md5 = {"ContentMD5": _encode(hashlib.md5(content, usedforsecurity=False).digest())}
        return self._call(call, sha256, md5, Body=content, **arguments)

    def begin(self, call: Call, **arguments: Any) -> dict[str, Any]:
        """Call `create_multipart_upload`, and say which checksum the parts will have."""
        return self._call(call, {"ChecksumAlgorithm": "SHA256"}, {}, **arguments)

    def _call(
        self, call: Call, known_to_aws: dict[str, str], known_to_all: dict[str, str], **arguments: Any
    ) -> dict[str, Any]:
        if not self._sha256:
            return call(**arguments, **known_to_all)
        try:
            return call(**arguments, **known_to_aws)
        except ClientError as error:
            if not _refuses_request(error):
                raise
            refusal = error
        try:
            answer = call(**arguments, **known_to_all)
        except ClientError as error:
            raise refusal if _refuses_request(error) else error from None
        self._sha256 = False
        log.info("the store takes no sha256 of S3 (%s); it is given the MD5 of each write", refusal)
        return answer


def _refuses_request(error: ClientError) -> bool:
    return status_of(error) in (400, 501)


def _encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode()

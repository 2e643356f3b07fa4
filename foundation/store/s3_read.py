"""Reading objects of S3: small ones whole, large ones piece by piece, going on where a connection broke."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from botocore.exceptions import (
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from foundation.errors import ReleaseRefused
from foundation.store.publication import MAX_DOCUMENT_BYTES
from foundation.store.s3_client import ATTEMPTS, Target

PIECE_BYTES = 2**20
_BROKEN = (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


def read_document(client: Any, target: Target, path: str, **condition: str) -> tuple[bytes, str | None]:
    """A small object's content and ETag.

    Raises:
        ReleaseRefused: it has more than MAX_DOCUMENT_BYTES.
    """
    answer = client.get_object(**target, **condition)
    with closing(answer["Body"]) as body:
        content: bytes = b""
        if answer.get("ContentLength", 0) <= MAX_DOCUMENT_BYTES:
            content = body.read(MAX_DOCUMENT_BYTES + 1)
    if answer.get("ContentLength", 0) > MAX_DOCUMENT_BYTES or len(content) > MAX_DOCUMENT_BYTES:
        raise ReleaseRefused(f"{path} has more than {MAX_DOCUMENT_BYTES:,} bytes.")
    return content, answer.get("ETag")


def read_pieces(client: Any, target: Target, size_bytes: int, tag: str | None) -> Iterator[bytes]:
    """The content of an object of `size_bytes` with the ETag `tag`, never more than that, piece by piece.

    A connection that breaks is followed by another, for the rest alone; of ATTEMPTS in all.
    """
    done = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for piece in _read_from(client, target, done, size_bytes, tag):
                done += len(piece)
                yield piece
        except _BROKEN:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _read_from(client: Any, target: Target, start: int, size_bytes: int, tag: str | None) -> Iterator[bytes]:
    options: dict[str, str] = {"Range": f"bytes={start}-"} if start else {}
    if start and tag:
        options["IfMatch"] = tag
    answer = client.get_object(**target, **options)
    with closing(answer["Body"]) as body:
        # A store that knows no ranges sends what is known already once more.
        known = start if start and "ContentRange" not in answer else 0
        while known > 0 and (piece := body.read(min(PIECE_BYTES, known))):
            known -= len(piece)
        while start < size_bytes and (piece := body.read(min(PIECE_BYTES, size_bytes - start))):
            start += len(piece)
            yield piece

"""Requests that are refused before there is one: heads too long, too many, too late; and how that is said."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from foundation.errors import GanymedeError, Unavailable
from service.endpoints.context import Context
from service.http.cross_origin import head_fields
from service.http.problems import describe
from service.http.security_headers import STRICT
from service.http.telemetry import identify_request, record_request
from service.server.wire_limits import FIELDS, HEAD_BYTES

_MAX_PATH = 200
"""Bytes of an address in the log."""

Fields = Sequence[tuple[bytes, bytes]]
"""Names, in small letters, and values of a head."""


class AddressTooLong(GanymedeError):
    """The request's target has more bytes than are read (RFC 9110, section 15.5.15)."""

    code = "address-too-long"


class HeadTooLarge(GanymedeError):
    """The request's head, or what stands behind its body, is larger than is read (RFC 6585, section 5)."""

    code = "head-too-large"


class TooManyWaiting(GanymedeError):
    """More requests wait on one connection than are kept."""

    code = "too-many-waiting"


class UpgradeRefused(GanymedeError):
    """The request wants another protocol, and has a body."""

    code = "upgrade-refused"


class TooManyConnections(Unavailable):
    """The process has as many connections as it may."""

    code = "too-many-connections"


def check_head(url: bytes, fields: Fields, *, received_bytes: int | None) -> None:
    """Hold a whole head against its limits; `received_bytes`, if known, are at least those of it.

    Raises:
        AddressTooLong: the limit is passed, most of it by the address.
        HeadTooLarge: the limit is passed, or that of the number of fields.
    """
    if len(fields) > FIELDS:
        raise HeadTooLarge(f"The head has {len(fields):,} fields; at most {FIELDS} are read.")
    if received_bytes is None or received_bytes > HEAD_BYTES:
        size = len(url) + sum(len(name) + len(value) + 4 for name, value in fields)
        if size > HEAD_BYTES:
            raise explain_length(url, in_head=True)


def check_upgrade(fields: Fields) -> None:
    """Refuse an upgrade that has a body: the parser takes that for the first bytes of the other protocol.

    Raises:
        UpgradeRefused: it has.
    """
    for name, value in fields:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ")):
            raise UpgradeRefused("No other protocol than HTTP/1.1 is spoken here; ask without Upgrade.")


def explain_length(url: bytes, *, in_head: bool) -> AddressTooLong | HeadTooLarge:
    """What to say of a request whose head, or what stands around its body, has passed `HEAD_BYTES`."""
    if not in_head:
        return HeadTooLarge(f"More than {HEAD_BYTES:,} bytes of chunk sizes or fields stand beside the body.")
    if len(url) > HEAD_BYTES // 2:
        return AddressTooLong(
            f"The address has {len(url):,} bytes; a head of {HEAD_BYTES:,} is read at most."
        )
    return HeadTooLarge(f"The head has more than the {HEAD_BYTES:,} bytes that are read.")


def send_refusal(
    transport: asyncio.Transport,
    error: GanymedeError,
    fields: Fields,
    url: bytes,
    request_fields: Fields,
    context: Context,
) -> None:
    """Write the problem document of `error` with `fields` as a connection's last response; count and log it.

    Of the request its `url` and `request_fields` are known, as far as they came.
    """
    began = time.perf_counter()
    path = url[:_MAX_PATH].decode("latin-1")
    scope: dict[str, Any] = {"type": "http", "method": "-", "path": path, "headers": request_fields}
    response = describe(error)
    with identify_request(scope) as identity:
        lines = [STATUS_LINE[response.status_code]]
        shared = head_fields(context.settings.origins, request_fields)
        whole = [*fields, *response.raw_headers, *STRICT, *shared, identity]
        if not any(name == b"connection" for name, _ in whole):
            whole.append((b"connection", b"close"))
        for name, value in whole:
            lines += name, b": ", value, b"\r\n"
        transport.write(b"".join((*lines, b"\r\n", response.body)))
        record_request(context.metrics, scope, response.status_code, time.perf_counter() - began)
    if transport.can_write_eof():
        transport.write_eof()

"""Upgrades to another protocol (RFC 9110, section 7.8): none is spoken here, and a server may pass them over.

Java's own client asks for HTTP/2 (`Upgrade: h2c`) with every request. The parser takes what follows such a
head for the other protocol and loses the request's body, hence the field has to go before it is parsed.
"""

import re

_FIELD = re.compile(rb"^upgrade(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_PASSED_OVER = b"Ignored"


def pass_over_upgrade(data: bytes) -> bytes:
    """`data`, the beginning of a head, with another name of the same length for its field Upgrade."""
    if b"pgrade" not in data and b"PGRADE" not in data:
        return data
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    return _FIELD.sub(_PASSED_OVER, head) + data[len(head) :]

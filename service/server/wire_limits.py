"""How much of the machine one connection may hold, and how many connections there may be."""

import resource
from dataclasses import dataclass
from typing import Self

from service.settings import Settings

HEAD_BYTES = 2**16
"""Of a request's line and fields together; of the fields behind a body; of what stands around its chunks."""

FIELDS = 100
"""Of a request's head."""

PIPELINED = 100
"""Requests that may wait behind the one that is being answered, on one connection."""

BODY_GRACE_S = 1.0
"""The handler that reads a body says itself that it is late; this is for those who read none."""

LINGER_S = 2.0
LINGER_BYTES = 2**22
"""What a client still sends after a refusal is read and dropped: else it would learn of a broken connection
and not of the reason (RFC 9112, section 9.6)."""

LAST_CALL_S = 0.5
"""When the process ends, who was let in can ask for so long; it waits no longer for who says nothing."""

_MOST_CONNECTIONS = 10_000
_MOST_DESCRIPTORS = 2**14
_HEALTH_CONNECTIONS = 32

_BODY_MARGIN = 2**20
"""More than may be on its way to a handler that counts for itself, and says it better."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """The limits of every connection; times in seconds."""

    connections: int
    reserve: int
    """Connections beyond those, for requests about the service's health alone."""
    body_bytes: int
    """Where the handler has no bound of its own: the page's, which are other people's."""
    head_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float

    @classmethod
    def of(cls, settings: Settings, *, descriptors: int) -> Self:
        """What `settings` say; for a process that may open so many `descriptors` (files and sockets)."""
        reserve = min(_HEALTH_CONNECTIONS, max(descriptors // 8, 2))
        room = descriptors - descriptors // 4 - reserve  # a quarter for models, the store, walks' files
        return cls(
            connections=settings.max_connections or max(min(room, _MOST_CONNECTIONS), 1),
            reserve=reserve,
            body_bytes=settings.max_body_bytes + _BODY_MARGIN,
            head_timeout_s=settings.head_timeout_s,
            body_timeout_s=settings.body_timeout_s,
            write_timeout_s=settings.write_timeout_s,
        )


def raise_descriptors() -> int:
    """Let this process open more descriptors than it may at first, where it may; how many it may then."""
    soft, hard = (
        _MOST_DESCRIPTORS if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    wanted = min(hard, _MOST_DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        return wanted
    return soft

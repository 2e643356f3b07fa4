"""Noticing a client that does not read its answer, which costs this process something until it does."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress

_PROGRESS_BYTES = 2**14
"""Taken within the time limit this is progress, as is all that waited; fewer are a trickle of days."""

_STEADY_BYTES_S = 2**14
"""Who reads so much a second has the time that it takes him: a machine with a large receive buffer confirms
much at once, and then nothing for as long as its client needs to read that."""

_MOST_AHEAD_BYTES = 2**22
"""So much of it may be unread yet: a large receive buffer, which one who reads nothing fills too."""

_TCP_INFO_BYTES = 128
_ACKNOWLEDGED = struct.Struct("@Q")
_ACKNOWLEDGED_AT = 120
"""Where Linux's `struct tcp_info` has `tcpi_bytes_acked`, since 4.1 (tcp(7), linux/tcp.h)."""


class UnreadAnswer:
    """What one connection holds for its client, looked at now and then.

    What the client's machine has confirmed is taken. The system here would go on taking megabytes from an
    answer that is made while it is sent, and a stream of small pieces would have its place for hours.
    """

    def __init__(self) -> None:
        self._since = 0.0
        self._goal = 0
        """How much must have been taken for this to be progress."""
        self._unsent = 0
        self._taken = 0
        self._paid_until = 0.0
        """As long as it takes to read what was confirmed."""
        self._noticed = 0
        """Bytes that the system took as far as can be told from the buffer, where it does not say more."""

    def resume(self) -> None:
        """Note that the transport's buffer got from its high to its low mark: the client reads."""
        self._noticed += _PROGRESS_BYTES

    def is_stuck(
        self, transport: asyncio.Transport, now: float, timeout_s: float, *, under_way: bool = False
    ) -> bool:
        """Whether the client has taken next to nothing in the `timeout_s` before `now`.

        What it takes at once pays for the seconds in which it would be read steadily (RFC 9293, section
        3.8.6.2: a receiver may keep its window shut until much of its buffer is free). So no answer holds
        out longer than `timeout_s` for each step of progress, and one of which nothing is read no longer than
        `timeout_s` and what a receive buffer takes, be it full of this answer or read of the one before.

        `under_way` says that its answer is not whole yet. One that is, and lies with the system, costs this
        process nothing: the client may read it when it likes.
        """
        unsent = transport.get_write_buffer_size()
        self._noticed += max(0, self._unsent - unsent)
        self._unsent = unsent
        if unsent == 0 and not under_way:
            self._since, self._goal = now, 0
            return False
        taken, queued = _look(transport) or (self._noticed, 0)
        waiting = unsent + (queued if under_way else 0)
        if waiting == 0 or taken >= self._goal:
            self._since, self._goal = now, taken + min(max(1, waiting), _PROGRESS_BYTES)
        if taken > self._taken:
            paid = max(self._paid_until, now) + (taken - self._taken) / _STEADY_BYTES_S
            self._taken, self._paid_until = taken, min(paid, now + _MOST_AHEAD_BYTES / _STEADY_BYTES_S)
        return waiting > 0 and now > max(self._since + timeout_s, self._paid_until)


def _look(transport: asyncio.Transport) -> tuple[int, int] | None:
    """Bytes that the client's machine has confirmed, and those that wait here for that; None: who knows."""
    connection = transport.get_extra_info("socket")
    if sys.platform == "linux" and connection is not None:
        with suppress(OSError, ValueError):  # it is no TCP connection, or closed
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            if len(told) == _TCP_INFO_BYTES:
                taken: int = _ACKNOWLEDGED.unpack_from(told, _ACKNOWLEDGED_AT)[0]
                queued: int = struct.unpack("@i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
                return (taken, queued) if taken else None  # a system that looks like Linux may not count
    return None

"""Noticing a client that does not read its answer, which stays in this process's memory until it does."""

import asyncio

_PROGRESS_BYTES = 2**14
"""Taken within the time limit this is progress; fewer are a trickle that could last for days."""


class UnreadAnswer:
    """What one connection's transport holds for its client, looked at now and then."""

    def __init__(self) -> None:
        self._since = 0.0
        self._unsent = 0
        self._taken = 0

    def resume(self) -> None:
        """Note that the transport's buffer got from its high to its low mark: the client reads."""
        self._taken += _PROGRESS_BYTES

    def is_stuck(self, transport: asyncio.Transport, now: float, timeout_s: float) -> bool:
        """Whether the client has taken next to nothing in the `timeout_s` before `now`."""
        unsent = transport.get_write_buffer_size()
        if self._unsent == 0:
            self._since, self._taken = now, 0
        elif unsent < self._unsent:
            self._taken += self._unsent - unsent
        if unsent == 0 or self._taken >= _PROGRESS_BYTES:
            self._since, self._taken = now, 0
        self._unsent = unsent
        return unsent > 0 and now - self._since > timeout_s

"""How much of the event loop's time goes into taking what is large off the wire; addresses share it."""

LARGE_BYTES = 2**16
"""Of one message; what is smaller is a request like any other."""

_BYTES_PER_S = 2**25
_BURST_S = 0.25
"""What comes so long at that rate is taken at once: a body as large as the default settings allow."""

_LOOP_SHARE = 8
"""Parsing may take one part in so many of the time: small chunks and fields cost more than their bytes."""

_REMEMBERED = 64


class Intake:
    """Says how long a connection that sends much has to wait before more of it is read.

    What waits stays in the client's own buffers (TCP's flow control). The addresses that send much at a time
    share the rate alike, however many connections they have. To be used on one event loop.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        """By address: until when, on the loop's clock, what it sent would have taken at the rate."""

    def count(self, address: str, size: int, parsing_s: float, now: float) -> float:
        """Note `size` bytes that took so long to parse; how many seconds from `now` to read no more."""
        earliest = now - _BURST_S
        if len(self._due) > _REMEMBERED:
            self._due = {other: due for other, due in self._due.items() if due > earliest}
        waiting = sum(due > now for other, due in self._due.items() if other != address)
        cost_s = size / _BYTES_PER_S + parsing_s * _LOOP_SHARE
        due = max(self._due.get(address, earliest), earliest) + cost_s * (1 + waiting)
        self._due[address] = due
        return max(0.0, due - now)

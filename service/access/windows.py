"""Counts in windows of time, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Window:
    count: int
    ends: float


class Windows:
    """A count for each name, which begins anew when its window is over.

    They run on the monotonic clock: one that is set, forwards or backwards, lets nobody in and locks nobody
    out. `limits`, which counts in the shared store, reads the wall clock in its memory and takes no other.
    """

    def __init__(self, *, max_names: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        """Past `max_names` the name that was counted longest ago is forgotten; `clock` tells seconds."""
        self._max_names = max_names
        self._clock = clock
        self._windows = OrderedDict[str, _Window]()

    def add(self, name: str, amount: int, window_s: float) -> int:
        """Count `amount` for `name`; what its window holds now. The first count opens one of `window_s`."""
        window = self._open(name)
        if window is None:
            window = self._windows[name] = _Window(0, self._clock() + window_s)
            if len(self._windows) > self._max_names:
                self._windows.popitem(last=False)
        self._windows.move_to_end(name)
        window.count += amount
        return window.count

    def give_back(self, name: str, amount: int) -> None:
        """Uncount `amount`, unless the window that it was counted in is over."""
        if window := self._open(name):
            window.count = max(0, window.count - amount)

    def left_s(self, name: str) -> float:
        """The seconds until the window of `name` is over; 0 where none is open."""
        window = self._open(name)
        return 0.0 if window is None else window.ends - self._clock()

    def __len__(self) -> int:
        return len(self._windows)

    def _open(self, name: str) -> _Window | None:
        window = self._windows.get(name)
        return window if window is not None and self._clock() < window.ends else None

"""Seeds by the million, held as the ranges that a person writes."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice, pairwise

from foundation.errors import GanymedeError
from foundation.latents import SEED_LIMIT
from foundation.whole import read_whole

MAX_LISTED = 1_000_000
"""Seeds that are given one by one; of a `range` or of text there may be any number."""
_RANGE = re.compile(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*")


class WrongOrder(GanymedeError):
    """An order of shards that cannot be meant, or differs from what lies there."""

    code = "wrong-order"


class Seeds:
    """Seeds in the order given, each once; of a million nothing is in memory but their ranges."""

    def __init__(self, given: str | Iterable[int]) -> None:
        """Read `0-999999` or `1,5,9` or both, a `range`, or whole numbers one by one.

        Raises:
            WrongOrder: it is not that, a seed comes twice, or is not below 2³².
        """
        if isinstance(given, str):
            self._ranges = [_read_range(part, given) for part in given.split(",")]
        else:
            self._ranges = _join_numbers(given)
        for earlier, later in pairwise(sorted(self._ranges, key=lambda range_: range_.start)):
            if later.start < earlier.stop:
                raise WrongOrder(f"Seed {later.start} comes twice; in shards a seed is a picture's name.")
        self._stops = list(accumulate(map(len, self._ranges)))

    def __len__(self) -> int:
        """How many they are."""
        return self._stops[-1]

    def __str__(self) -> str:
        """They as a person would write them."""
        return ",".join(_name_range(range_) for range_ in self._ranges)

    def between(self, start: int, stop: int) -> Iterator[int]:
        """Those from place `start` to `stop`."""
        index = bisect_right(self._stops, start)
        count = min(stop, len(self)) - start
        skipped = start - (self._stops[index - 1] if index else 0)
        return islice(self._from(index, skipped), max(0, count))

    def name(self, start: int, stop: int) -> str:
        """Those from place `start` to `stop`, as a person would write them."""
        parts: list[str] = []
        place = 0
        for range_ in self._ranges:
            low, high = max(start - place, 0), min(stop - place, len(range_))
            if low < high:
                parts.append(_name_range(range_[low:high]))
            place += len(range_)
        return ",".join(parts)

    def _from(self, index: int, skipped: int) -> Iterator[int]:
        for range_ in self._ranges[index:]:
            yield from range_[skipped:]
            skipped = 0


def _read_range(part: str, text: str) -> range:
    match = _RANGE.fullmatch(part)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise WrongOrder(f"Seeds {text[:80]!r}: write seeds as 1,5,9 or 0-999999.")
    if int(match[2] or match[1]) >= SEED_LIMIT:
        raise WrongOrder(f"Seeds {part.strip()[:80]}: seeds are below {SEED_LIMIT}.")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


def _join_numbers(given: Iterable[int]) -> list[range]:
    """Whole numbers in their order as ranges: those that follow each other are one."""
    if isinstance(given, range) and given.step == 1 and given:
        joined = [given]
    else:
        joined = []
        for number in _check_numbers(given):
            if joined and number == joined[-1].stop:
                joined[-1] = range(joined[-1].start, number + 1)
            else:
                joined.append(range(number, number + 1))
    if not joined:
        raise WrongOrder("No seeds are given.")
    if min(each.start for each in joined) < 0 or max(each.stop for each in joined) > SEED_LIMIT:
        raise WrongOrder(f"Seeds are from 0 and below {SEED_LIMIT}.")
    return joined


def _check_numbers(given: object) -> Iterator[int]:
    if isinstance(given, bytes | bytearray) or not isinstance(given, Iterable):
        raise WrongOrder(f"Seeds {given!r:.80}: give '0-999999', range(0, 1000000) or a list of numbers.")
    for count, seed in enumerate(given, start=1):
        if count > MAX_LISTED:
            raise WrongOrder(f"More than {MAX_LISTED:,} seeds are given one by one: give a range of them.")
        whole = read_whole(seed)
        if whole is None:
            raise WrongOrder(f"Seed {seed!r:.80}: seeds are whole numbers.")
        yield whole


def _name_range(seeds: range) -> str:
    return f"{seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else str(seeds[0])

"""Pictures that are nearly the same: found by their hashes, confirmed by their thumbnails."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

NEAR_BITS = 4
"""Hashes that differ in no more bits are looked at: copies in other sizes, formats or qualities."""
BANDS = 5
"""Two hashes that differ in four bits are equal in one of five bands, so that few need be compared."""
NEAR_LEVELS = 8.0
"""So much, of 255, thumbnails of one picture may differ, root mean square."""
LONGEST_RUN = 400
"""Of hashes that are alike in a band each is compared with so many that follow: the time is bounded."""
COMPARED = 20_000
"""Pairs at once."""
EXAMPLES = 5

Numbers = NDArray[np.int64]


class Duplicates(BaseModel):
    """Groups of pictures that are nearly the same."""

    model_config = ConfigDict(frozen=True)

    pictures: int = 0
    """That could go: all but one of each group."""
    groups: int = 0
    across_parts: int = 0
    """Groups with pictures of the training part and of the test part."""
    examples: tuple[tuple[str, ...], ...] = ()
    """Names of the first few groups, at most four of each."""


def find_duplicates(
    names: Sequence[str], hashes: Sequence[int], thumbnails: NDArray[np.uint8], *, test_from: int
) -> Duplicates:
    """Return the near-duplicates among pictures with these names, 64-bit hashes and thumbnails (n, h, w).

    Those from number `test_from` on are of the test part.
    """
    leaders = np.arange(len(names))
    for first, second in find_pairs(np.array(hashes, np.uint64)):
        apart = leaders[first] != leaders[second]
        first, second = first[apart], second[apart]
        alike = differ_by(thumbnails, first, second) <= NEAR_LEVELS
        for one, other in zip(first[alike].tolist(), second[alike].tolist(), strict=True):
            join(leaders, one, other)
        leaders = flatten(leaders)
    groups: dict[int, list[int]] = {}
    for index, leader in enumerate(leaders.tolist()):
        groups.setdefault(leader, []).append(index)
    found = [members for members in groups.values() if len(members) > 1]
    return Duplicates(
        pictures=sum(len(members) - 1 for members in found),
        groups=len(found),
        across_parts=sum(members[0] < test_from <= members[-1] for members in found),
        examples=tuple(tuple(names[index] for index in members[:4]) for members in found[:EXAMPLES]),
    )


def find_pairs(hashes: NDArray[np.uint64]) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs of numbers whose hashes (n,) differ in at most four bits, many at once, some twice."""
    width = -(-64 // BANDS)
    for band in range(BANDS):
        keys = (hashes >> np.uint64(band * width)) & np.uint64(2**width - 1)
        order = np.argsort(keys, kind="stable")
        sorted_keys, sorted_hashes = keys[order], hashes[order]
        for shift in range(1, min(LONGEST_RUN, len(hashes) - 1) + 1):
            rows = np.flatnonzero(sorted_keys[shift:] == sorted_keys[:-shift])
            if not len(rows):
                break
            rows = rows[np.bitwise_count(sorted_hashes[rows] ^ sorted_hashes[rows + shift]) <= NEAR_BITS]
            for start in range(0, len(rows), COMPARED):
                part = rows[start : start + COMPARED]
                yield order[part], order[part + shift]


def differ_by(thumbnails: NDArray[np.uint8], first: Numbers, second: Numbers) -> NDArray[np.float32]:
    """Return how many levels thumbnails (n, h, w) of two numbers each differ by, root mean square."""
    difference = thumbnails[first].astype(np.float32) - thumbnails[second]
    squares: NDArray[np.float32] = np.sqrt(np.mean(difference**2, axis=(1, 2)))
    return squares


def flatten(leaders: Numbers) -> Numbers:
    """Return the first of each one's group, of leaders that may have leaders themselves."""
    while not np.array_equal(leaders, above := leaders[leaders]):
        leaders = above
    return leaders


def lead(leaders: Numbers, index: int) -> int:
    """Return the first of the group of a picture."""
    while leaders[index] != index:
        leaders[index] = leaders[leaders[index]]
        index = int(leaders[index])
    return index


def join(leaders: Numbers, first: int, second: int) -> None:
    """Make the groups of two pictures one."""
    one, other = sorted((lead(leaders, first), lead(leaders, second)))
    leaders[other] = one

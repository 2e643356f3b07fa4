"""The search for copies: an exported generator's drawings among all pictures that it was trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foundation.images import blend_on_white
from training.metrics import COPIED, HELD_OUT, TRAINING, Figure
from training.metrics import Protocol as FigureProtocol
from training.metrics.copies import Rule, Search, begin_rule, make_rule
from training.metrics.distances import Features
from training.metrics.figures import DIGITS
from training.run.samples import tile

SEARCHED_IMAGES = 60_000
"""Of a larger set so many are looked through, by lot."""
DRAWN_IMAGES = 1000
"""So many drawings, and as many pictures of either other kind, are looked for."""
CHUNK_IMAGES = 500
"""Features of so many training pictures are held at once."""
SHOWN_PAIRS = 8
PAIR_PIXELS = 96
SEED = 5

Images = NDArray[np.uint8]
Tell = Callable[[str, int, int], None]
"""Is told what is done now, how many pictures of it are done, and of how many; 0 where nothing is counted."""


class Space(Protocol):
    """What turns pictures into vectors."""

    name: str

    def extract(self, images: Images) -> Features:
        """Return the features (n, d) of pictures (n, h, w, c)."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A drawing and the training picture nearest to it."""

    seed: int
    row: int
    """The training picture's place in its set; the first is 0."""
    space: str
    share: float
    """Their distance, as a share of that below which it is a copy."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What the search found."""

    figures: dict[str, float]
    searched: int
    """Training pictures."""
    pairs: tuple[Pair, ...]
    """The most copied drawings, the nearest first; those of other training pictures go before more of one."""

    def describe(self) -> dict[str, Any]:
        """Return it as figures.json and the manifest say it."""
        return {
            "rule": "nearer to a training picture than 99 in 100 training pictures are to another",
            "training_pictures": self.searched,
            "most_copied": [
                {
                    "seed": pair.seed,
                    "training_picture": pair.row,
                    "space": pair.space,
                    "share_of_limit": round(pair.share, DIGITS),
                }
                for pair in self.pairs
            ],
        }


@dataclass(frozen=True, slots=True)
class Found:
    """What one space shows."""

    space: str
    rule: Rule
    drawn: Search
    held_out: Search | None


def find_copies(
    spaces: Sequence[Space], drawn: Images, training: Images, held_out: Images | None, tell: Tell
) -> Copies:
    """Look for drawings, of the seeds from 0 on, among training pictures: all uint8 (n, h, w, c).

    Held-out pictures, if there are any, are looked for too: what comes without copying. Memory does not grow
    with the set.
    """
    order = np.random.Generator(np.random.Philox(SEED)).permutation(len(training))
    rows = np.sort(order[:SEARCHED_IMAGES])
    sample = training[np.sort(order[:DRAWN_IMAGES])]
    found = [look_through(space, drawn, training, held_out, rows, sample, tell) for space in spaces]
    figures = {}
    for one in found:
        for pairing, search in ((TRAINING, one.drawn), (HELD_OUT, one.held_out)):
            if search:
                protocol = FigureProtocol(one.space, len(search.distances), pairing)
                figures[Figure(COPIED, protocol).name] = round(one.rule.share(search.distances), DIGITS)
    return Copies(figures, len(rows), choose_pairs(found, rows))


def look_through(
    space: Space,
    drawn: Images,
    training: Images,
    held_out: Images | None,
    rows: NDArray[np.int64],
    sample: Images,
    tell: Tell,
) -> Found:
    """Look through the training pictures in `rows`; the rule is from how far `sample` of them lie apart."""
    tell(f"{space.name}: looking for copies", 0, len(rows))
    search = Search(space.extract(drawn))
    others = None if held_out is None else Search(space.extract(held_out))
    apart = begin_rule(space.extract(sample))
    for first in range(0, len(rows), CHUNK_IMAGES):
        chunk = rows[first : first + CHUNK_IMAGES]
        features = space.extract(training[chunk])
        for each in (search, apart, *([others] if others else [])):
            each.look(features, first)
        tell(f"{space.name}: looking for copies", first + len(chunk), len(rows))
    return Found(space.name, make_rule(apart), search, others)


def choose_pairs(found: Sequence[Found], rows: NDArray[np.int64]) -> tuple[Pair, ...]:
    """Return the drawings nearest to training pictures, whose places in the set are `rows`."""
    pairs = sorted(
        (
            Pair(seed, int(rows[row]), one.space, float(distance) / max(one.rule.limit, 1e-9))
            for one in found
            for seed, (row, distance) in enumerate(zip(one.drawn.rows, one.drawn.distances, strict=True))
        ),
        key=lambda pair: (pair.share, pair.seed),
    )
    of_seeds: dict[int, Pair] = {}
    for pair in pairs:
        of_seeds.setdefault(pair.seed, pair)
    of_rows: dict[int, Pair] = {}
    for pair in of_seeds.values():
        of_rows.setdefault(pair.row, pair)
    again = [pair for pair in of_seeds.values() if of_rows[pair.row] != pair]
    return tuple([*of_rows.values(), *again][:SHOWN_PAIRS])


def hold_out(training: Images, test: Images) -> Images | None:
    """Return pictures of the test split to look for; None where they are the very training pictures."""
    first = slice(0, CHUNK_IMAGES)
    same = len(test) <= len(training) and np.array_equal(test[first], training[: len(test)][first])
    return None if same else test[:DRAWN_IMAGES]


def write_pairs(path: Path, drawn: Images, training: Images, pairs: tuple[Pair, ...]) -> None:
    """Write the drawings as PNG, and below each the training picture nearest to it."""
    images = [*(drawn[pair.seed] for pair in pairs), *(training[pair.row] for pair in pairs)]
    scale = max(1, PAIR_PIXELS // images[0].shape[0])
    tile(blend_on_white(np.stack(images)), len(pairs), scale).save(path)

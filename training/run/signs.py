"""Signs that a run goes wrong, read from its curves: collapse of variety, of one network, overtraining.

Each rule wants the sign several times in a row: one bad measurement is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from training.run.stats import EpochStats

TIMES = 3
"""So often in a row a sign has to be seen."""
LOST_VARIETY = 0.5
"""Of the best that a run had: below it, and below this share of the real pictures', drawings are alike."""
RUNAWAY_RATIO, RUNAWAY_LOSS = 50.0, 5.0
"""One network's loss is so many times the other's, and at least so large (nats)."""
OVERTRAINED = 0.6
"""Of `memory`, from which the discriminator knows the training pictures by heart. ADA (Karras et al.,
arXiv:2006.06676, figure 5) holds its two heuristics between 0.5 and 0.8."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that goes wrong: its name, since which epoch, what was seen, and what to do."""

    name: str
    epoch: int
    seen: str
    advice: str

    def __str__(self) -> str:
        """Return it as sentences for the person."""
        return f"{self.name} since epoch {self.epoch}: {self.seen}. {self.advice}"


def find_signs(stats: Sequence[EpochStats]) -> list[Sign]:
    """Return the signs that the last epochs show, at most one of each kind."""
    found = (find_alike(stats), find_runaway(stats), find_overtraining(stats))
    return [sign for sign in found if sign]


def find_alike(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that the drawings have become alike: their variety was higher, and is low."""
    rows = [(row.epoch, row.variety) for row in stats if row.variety is not None]
    if len(rows) <= TIMES:
        return None
    best = max(variety for _, variety in rows[:-TIMES])
    last = rows[-TIMES:]
    if any(variety >= LOST_VARIETY * min(1.0, best) for _, variety in last):
        return None
    return Sign(
        "The drawings grow alike",
        last[0][0],
        f"they differ {last[-1][1]:.2f} times as much as real pictures do, and did {best:.2f} times",
        "Begin again from the best checkpoint with half the learning_rate or a larger penalty; a set with "
        "few pictures in a class needs more of them.",
    )


def find_runaway(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that one network has left the other behind."""
    last = list(stats)[-TIMES:]
    if len(last) < TIMES:
        return None
    for losing, winning in (("generator", "discriminator"), ("discriminator", "generator")):
        losses = [(getattr(row, f"{losing}_loss"), getattr(row, f"{winning}_loss")) for row in last]
        if all(lost > RUNAWAY_LOSS and lost > RUNAWAY_RATIO * abs(won) for lost, won in losses):
            return Sign(
                f"The {winning} has won",
                last[0].epoch,
                f"its loss is {losses[-1][1]:.2g}, the {losing}'s {losses[-1][0]:.3g}",
                "Nothing is learnt from such a game: begin again with half the learning_rate or a larger "
                "penalty; the checkpoints from before are kept.",
            )
    return None


def find_overtraining(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that the discriminator knows the training pictures by heart."""
    rows = [(row.epoch, row.memory) for row in stats if row.memory is not None]
    last = rows[-TIMES:]
    if len(last) < TIMES or median(value for _, value in last) <= OVERTRAINED:
        return None
    if min(value for _, value in last) <= OVERTRAINED / 2:
        return None
    return Sign(
        "The discriminator knows the pictures by heart",
        last[0][0],
        f"pictures that it never saw are {last[-1][1]:.0%} of the way from training pictures to drawn ones",
        "The best checkpoint is kept and more epochs will hardly help: add pictures, raise augmentation, or "
        "begin from another model with --from.",
    )

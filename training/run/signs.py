"""Signs that a run goes wrong, read from its curves: collapse of variety, of one network, overtraining.

Each rule wants the sign several times in a row: one bad measurement is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from training.metrics import find_metric
from training.run.patience import find_best
from training.run.stats import EpochStats

TIMES = 3
"""So often in a row a sign has to be seen."""
LOST_VARIETY = 0.5
"""Of the best that a run had: below it, and below this share of the real pictures', drawings are alike."""
RUNAWAY_RATIO, RUNAWAY_LOSS = 50.0, 5.0
"""One network's loss is so many times the other's, and at least so large (nats); where both are so large,
neither learns from the other: an even game costs either of them less than one."""
OVERTRAINED = 0.6
"""Of `memory`, from which the discriminator knows the training pictures by heart. ADA (Karras et al.,
arXiv:2006.06676, figure 5) holds its two heuristics between 0.5 and 0.8."""

DECLINED = 1.5
"""So many times its least is a distance from which drawings grew plainly worse."""


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
    rules = (find_alike, find_runaway, find_turmoil, find_overtraining, find_decline)
    found = (rule(stats) for rule in rules)
    return [sign for sign in found if sign]


def find_alike(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that the drawings have become alike: how much they differ was higher, and is low.

    By their features, where they are measured, else by their pixels, in which collapse shows later.
    """
    rows = [(row.epoch, row.spread) for row in stats if row.spread is not None]
    if not rows:
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
        "More epochs seldom mend it. The best checkpoint is kept: begin another run from it, with --from and "
        "this run's folder, with half the learning_rate or a larger penalty; a set with few pictures in a "
        "class needs more of them.",
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
                "Nothing is learnt from such a game: stop, and begin another run from the best checkpoint, "
                "with --from and this run's folder, with half the learning_rate or a larger penalty.",
            )
    return None


def find_turmoil(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that both networks lose: each overshoots what the other has become."""
    last = list(stats)[-TIMES:]
    if len(last) < TIMES or any(
        min(row.generator_loss, row.discriminator_loss) <= RUNAWAY_LOSS for row in last
    ):
        return None
    return Sign(
        "Both networks lose",
        last[0].epoch,
        f"the generator's loss is {last[-1].generator_loss:.3g}, the discriminator's "
        f"{last[-1].discriminator_loss:.3g}, where an even game has less than one",
        "They overshoot each other: stop, and begin anew with half the learning_rate or a larger penalty.",
    )


def find_overtraining(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that the discriminator knows the training pictures by heart."""
    rows = [(row.epoch, row.memory) for row in stats if row.memory is not None]
    last = rows[-TIMES:]
    if len(last) < TIMES or median(value for _, value in last) <= OVERTRAINED:
        return None
    if min(value for _, value in last) <= OVERTRAINED / 2:
        return None
    mend = "add pictures, raise augmentation, or begin from another model with --from"
    advice = f"The best checkpoint is kept and more epochs will hardly help: {mend}."
    best = find_best(stats)
    if best and best.epoch == max(row.epoch for row in stats if best.figure in row.figures):
        advice = (
            "The distance still falls, but perhaps by copies from here on: ganymede evaluate counts them; "
            f"--set patience=N ends a run that falls no more. For another run {mend}."
        )
    return Sign(
        "The discriminator knows the pictures by heart",
        last[0][0],
        f"pictures that it never saw are {last[-1][1]:.0%} of the way from training pictures to drawn ones",
        advice,
    )


def find_decline(stats: Sequence[EpochStats]) -> Sign | None:
    """Return the sign that the drawings have become worse by the figure that chooses the best checkpoint."""
    best = find_best(stats)
    rows = [(row.epoch, row.figures[best.figure]) for row in stats if best and best.figure in row.figures]
    last = rows[-TIMES:]
    if best is None or len(rows) <= TIMES or not find_metric(best.figure).less_is_better:
        return None
    if any(value <= DECLINED * best.value for _, value in last):
        return None
    return Sign(
        "The drawings get worse",
        last[0][0],
        f"{best.figure} is {last[-1][1]:.4g}, and was {best.value:.4g} after epoch {best.epoch}",
        "That checkpoint is kept and is what is exported. Stop here, or let --set patience=N end such runs; "
        "another run begins from it with --from and this run's folder, best with half the learning_rate.",
    )

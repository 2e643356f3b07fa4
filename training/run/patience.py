"""When a run may end before its length: its figure has not become better for a while."""

from collections.abc import Sequence

from training.run.best import BestCheckpoint
from training.run.stats import EpochStats


def find_best(stats: Sequence[EpochStats]) -> BestCheckpoint | None:
    """Return the best that was measured of the newest figure; None before the first measurement."""
    measured = [
        BestCheckpoint(step=row.step, epoch=row.epoch, figure=name, value=value)
        for row in stats
        for name, value in row.figures.items()
    ]
    best: BestCheckpoint | None = None
    for candidate in measured:
        if candidate.figure == measured[-1].figure and candidate.beats(best):
            best = candidate
    return best


def explain_end(stats: Sequence[EpochStats], patience: int) -> str:
    """Return why a run ends now: no better figure for `patience` epochs; empty while it goes on.

    Epochs count up to the last that was measured; a patience of 0 never ends.
    """
    best = find_best(stats)
    if not patience or best is None:
        return ""
    last = max(row.epoch for row in stats if best.figure in row.figures)
    if last - best.epoch < patience:
        return ""
    return (
        f"Ended after epoch {last}: {best.figure} has not become better than {best.value:.4g}, of epoch "
        f"{best.epoch}, for {last - best.epoch} epochs (patience={patience}). That checkpoint is kept and is "
        "what is exported; --set patience=0 goes on."
    )

"""How a call to train ended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a call to train ended: whole epochs and batches done so far, and whether it was stopped."""

    epochs: int
    step: int
    interrupted: bool

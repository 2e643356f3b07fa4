"""How an attempt to load what the store has anew can end; the values are labels of a metric."""

from typing import Literal, get_args

Outcome = Literal["loaded", "refused", "unreachable", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

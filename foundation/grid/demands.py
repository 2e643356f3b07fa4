"""What readers need of a tensor, and what was decided of each."""

from dataclasses import dataclass, field

import numpy as np

from foundation.errors import GanymedeError
from foundation.grid.extents import LIMIT
from foundation.grid.movement import Array

FACTOR_BITS = 11
"""Of what is multiplied with what another layer computed."""
FRACTION_BITS = 12
"""Behind the point, of a factor and of what is added to its product, at most."""


@dataclass
class Room:
    """What had to be made smaller for the proof, by tensor."""

    fewer: dict[str, int] = field(default_factory=dict)
    """Bits behind the point."""
    limits: dict[str, float] = field(default_factory=dict)
    """Steps that a sum may reach, which is added to others afterwards."""
    joined: set[str] = field(default_factory=set)
    """Sums whose channels are added to each other, so that one grid is as good as the finest."""

    def widen(self, share: float) -> None:
        """Let the joined sums reach so many times more, as their unit has become so much smaller."""
        for name in self.joined:
            self.limits[name] = min(self.limits[name] * share, LIMIT)

    def lower(self, sums: set[str], *, joined: bool) -> None:
        """Let `sums` reach fewer steps; `joined` ones are all of what is added."""
        for name in sums:
            if joined:
                self.joined.add(name)
            self.limits[name] = self.limits.get(name, LIMIT) / (2**0.25 if name in self.joined else 2)


class NotPlaceable(GanymedeError):
    """A float graph that cannot be placed on grids; the message names the operator."""

    code = "not-placeable"


@dataclass
class Demand:
    """What a reader of a tensor needs of it."""

    unit: Array | None = None
    """Of each number (1, …), below zero where it is turned round; None where any will do."""
    axis: int | None = None
    """Along which a free unit may differ."""
    fraction: Array | None = None
    """Where it is rounded: to so many bits behind the point; -1 where it need not be."""
    bits: float = FACTOR_BITS


@dataclass
class Layout:
    """What was decided of each tensor."""

    units: dict[str, Array] = field(default_factory=dict)
    fractions: dict[str, Array] = field(default_factory=dict)
    """Of tensors that are rounded where they are computed."""
    wanted: dict[str, int] = field(default_factory=dict)
    """Bits behind the point that a reader asked for, by the tensor that it reads."""

    def step(self, name: str) -> Array:
        """What one whole number of a tensor (1, …) is before its point is moved, by its unit."""
        fraction = self.fractions.get(name)
        if fraction is None:
            return self.units[name]
        steps: Array = self.units[name] / np.ldexp(1.0, place_points(fraction).astype(int))
        return steps


def place_points(fraction: Array) -> Array:
    """The bits behind the point of each number, also where no reader asked for any (below 0)."""
    found: Array = np.where(fraction < 0, max(float(fraction.max()), 0.0), fraction)
    return found

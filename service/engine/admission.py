"""Admission: refusals of what there is no room for, and images that come in parts, all of them or none."""

import asyncio
import math
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from foundation.errors import QueueFull
from service.engine.room import Room


@dataclass(slots=True)
class Admission:
    """Within it, room in the queue for `images` of `requester` that are still to come."""

    room: Room
    images: int
    requester: str | None = None
    limit: asyncio.Timeout | None = None
    """The service's own: what it ends nobody has given up."""

    def __enter__(self) -> Self:
        self.room.take(self.images, self.requester)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.room.give_back(self.images, self.requester)

    @property
    def expired(self) -> bool:
        """Whether the time limit has passed."""
        return self.limit is not None and self.limit.expired()

    def take(self, count: int) -> int:
        """Use room for `count` images; how many of them it had room for."""
        taken = min(count, self.images)
        self.images -= taken
        return taken


def explain_full(room: Room, count: int, requester: str | None, images_per_s: float) -> QueueFull:
    """Why `count` images of `requester` do not fit, and when they may, at so many `images_per_s`."""
    retry_after_s = math.ceil(room.held / images_per_s) if images_per_s else 1
    if room.is_full(count):
        reason = f"{room.held:,} images are waiting and the queue holds {room.maximum:,}."
    else:
        reason = (
            f"{room.share_of(requester):,} of the {room.maximum:,} images that the queue holds are yours; "
            "what is left is kept for others."
        )
    return QueueFull(f"{reason} Try again in {retry_after_s} s.", retry_after_s=retry_after_s)

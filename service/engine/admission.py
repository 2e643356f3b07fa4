"""Admission: refusals of what there is no room for, and work that comes in parts, all of it or nothing."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from foundation.errors import QueueFull
from service.engine.room import Room


class Queue(Protocol):
    """What `admit` needs of an engine."""

    room: Room

    def check_room(self, count: int, requester: str | None = None) -> None:
        """Refuse `count` more images of `requester` if there is no room for them."""
        ...


@dataclass(slots=True)
class Admission:
    """Room in the queue for `images` of `requester` that are still to come."""

    images: int
    requester: str | None = None

    def take(self, count: int) -> int:
        """Use room for `count` images; how many of them it had room for."""
        taken = min(count, self.images)
        self.images -= taken
        return taken


@contextmanager
def admit(queue: Queue, count: int, requester: str | None = None) -> Iterator[Admission]:
    """Hold room for `count` images that come in parts: none is refused then, not even while draining.

    Raises:
        QueueFull: there is no room for all of them.
        Unavailable: the engine drains.
    """
    queue.check_room(count, requester)
    admission = Admission(count, requester)
    queue.room.take(count, requester)
    try:
        yield admission
    finally:
        queue.room.give_back(admission.images, requester)


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

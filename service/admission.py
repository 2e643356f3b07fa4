"""Admission of work that comes in parts: all of it or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


class Queue(Protocol):
    """What `admit` needs of an engine."""

    waiting_images: int

    def check_room(self, count: int) -> None:
        """Refuse `count` more images if there is no room for them."""
        ...


@dataclass(slots=True)
class Admission:
    """Room in the queue for `images` that are still to come."""

    images: int

    def take(self, count: int) -> int:
        """Use room for `count` images; how many of them it had room for."""
        taken = min(count, self.images)
        self.images -= taken
        return taken


@contextmanager
def admit(queue: Queue, count: int) -> Iterator[Admission]:
    """Hold room for `count` images that come in parts: none is refused then, not even while draining.

    Raises:
        QueueFull: there is no room for all of them.
        Unavailable: the engine drains.
    """
    queue.check_room(count)
    admission = Admission(count)
    queue.waiting_images += count
    try:
        yield admission
    finally:
        queue.waiting_images -= admission.images

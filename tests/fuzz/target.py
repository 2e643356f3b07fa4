"""A reader of foreign bytes, and what it may answer: something, or a refusal that it documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What is fuzzed."""

    name: str
    read: Callable[[bytes], object]
    """Reads bytes as the program would, through public functions."""
    refusals: tuple[type[Exception], ...]
    """All that it may raise."""
    seeds: Callable[[], Sequence[bytes]]
    """What it reads well, for mutations to start from."""
    json: bool = False
    """Whether its bytes are JSON, so that values within it are worth changing."""

    memory_limit_bytes: int = 256 * 2**20
    """What any of a few thousand bytes may take."""

    def attack(self, content: bytes) -> str:
        """Read `content`; what it was refused for, or nothing. Any other exception is a fault."""
        try:
            self.read(content)
        except self.refusals as error:
            return str(error)
        return ""

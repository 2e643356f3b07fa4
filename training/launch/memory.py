"""The memory that a run takes, estimated before it begins, held against what this machine may give.

The formula was fitted to measured peaks (of the whole process, float32, AVX-512): each preset says what a
pixel takes (`count_bytes`).
"""

import os
from collections.abc import Sequence
from pathlib import Path

from training.config import Configuration
from training.errors import ConfigurationError
from training.presets import find_preset
from training.shape import PictureShape

VARIABLE = "GANYMEDE_TRAINING_MEMORY_GB"
BASE_BYTES = 1_000_000_000
"""Python, TensorFlow, the graphs that it compiled and the weights."""
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def require_memory(configuration: Configuration, shape: PictureShape, replicas: int = 1) -> None:
    """Refuse a run that needs more memory than there is; `replicas` share a batch, each in a process.

    Raises:
        ConfigurationError: it does; the message says by how much, and what would fit.
    """
    limit = read_limit()
    if limit is None:
        return
    needed = estimate_bytes(configuration, shape, replicas)
    if needed <= limit:
        return
    pixels = configuration.batch_size / replicas * shape.pixels
    fitting = int((limit - BASE_BYTES) / ((needed - BASE_BYTES) / pixels) / shape.pixels) * replicas
    advice = "a smaller size"
    if fitting >= 2 * replicas:
        advice = f"--set batch_size={fitting}, or {advice}"
    raise ConfigurationError(
        f"Batches of {configuration.batch_size} pictures of {shape.sides} take about "
        f"{needed / 1e9:.1f} GB, and {limit / 1e9:.1f} GB are all that this machine or container gives. "
        f"Use {advice}; {VARIABLE} says how many GB there are where that is not so."
    )


def estimate_bytes(configuration: Configuration, shape: PictureShape, replicas: int = 1) -> int:
    """Return the most memory that a process takes at once in training, within some thirty percent."""
    pixels = configuration.batch_size * shape.pixels // replicas
    return BASE_BYTES + pixels * find_preset(configuration.preset).count_bytes(configuration, shape)


def read_limit() -> int | None:
    """Return how many bytes a process may take: as the variable says, or the machine's and container's.

    None where neither is known.

    Raises:
        ConfigurationError: the variable is no number above 0.
    """
    if named := os.environ.get(VARIABLE):
        try:
            return parse_gigabytes(named)
        except ValueError as error:
            raise ConfigurationError(f"{VARIABLE}={named}: write a number of GB, such as 16.") from error
    known = [limit for limit in (read_physical(), *read_cgroups(CGROUP_LIMITS)) if limit]
    return min(known, default=None)


def parse_gigabytes(text: str) -> int:
    """Return a number of GB in bytes; raise ValueError unless it is one above 0."""
    gigabytes = float(text)
    if not 0 < gigabytes < float("inf"):
        raise ValueError(text)
    return int(gigabytes * 1e9)


def read_physical() -> int | None:
    """Return the machine's memory in bytes, if it says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def read_cgroups(paths: Sequence[Path]) -> list[int]:
    """Return the container's limits in bytes, of the files that are there and hold a number."""
    limits = []
    for path in paths:
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdigit():  # not `max`
            limits.append(int(text))
    return limits

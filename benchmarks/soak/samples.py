"""What a server process holds and how fast it answers, second by second, and where that leads."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment: seconds since the start, and what the process holds."""

    at_s: float
    memory_mb: float
    descriptors: int
    threads: int


class Sampler(threading.Thread):
    """Takes a sample of a process every so often, until it is stopped or the process is gone."""

    def __init__(self, process_id: int, *, interval_s: float) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self._process = psutil.Process(process_id)
        self._interval_s = interval_s
        self._began = time.monotonic()
        self._stopped = threading.Event()

    def run(self) -> None:
        """Take samples."""
        while not self._stopped.wait(self._interval_s):
            try:
                with self._process.oneshot():
                    sample = Sample(
                        time.monotonic() - self._began,
                        self._process.memory_info().rss / 1e6,
                        self._process.num_fds(),
                        self._process.num_threads(),
                    )
            except psutil.NoSuchProcess:
                return
            self.samples.append(sample)

    def stop(self) -> None:
        """Take no more."""
        self._stopped.set()
        self.join()


@dataclass(frozen=True, slots=True)
class Answer:
    """A request that came to an end: when, of which kind, how, and after how long."""

    at_s: float
    kind: str
    outcome: str
    seconds: float


def slope_per_hour(at_s: Sequence[float], values: Sequence[float], *, skipped_share: float = 0.25) -> float:
    """How much a value grows in an hour: the line of least squares behind the first quarter, the warm-up."""
    first = int(len(at_s) * skipped_share)
    times, rest = np.asarray(at_s[first:], np.float64), np.asarray(values[first:], np.float64)
    if len(times) < 3 or np.ptp(times) == 0:
        return 0.0
    return float(np.polyfit(times, rest, 1)[0] * SECONDS_AN_HOUR)


def drift(values: Sequence[float]) -> float:
    """The median of the last quarter against that of the second: 1 where nothing changed."""
    quarter = len(values) // 4
    if not quarter:
        return 1.0
    before = float(np.median(values[quarter : 2 * quarter]))
    after = float(np.median(values[-quarter:]))
    return after / before if before else 1.0


def latencies_by_minute(
    answers: Sequence[Answer], kind: str, *, minute_s: float = 60.0
) -> Mapping[int, tuple[float, float]]:
    """p50 and p99 in ms of the answers of a kind that came, by the minute."""
    minutes: dict[int, list[float]] = {}
    for answer in answers:
        if answer.kind == kind and answer.outcome == "200":
            minutes.setdefault(int(answer.at_s // minute_s), []).append(1000 * answer.seconds)
    return {
        minute: (float(np.percentile(times, 50)), float(np.percentile(times, 99)))
        for minute, times in sorted(minutes.items())
    }

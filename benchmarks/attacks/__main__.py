"""`python -m benchmarks.attacks`: under each attack, the p99 of other clients against their usual one.

For every attack there is a phase without it, then one with it, against one server in one run: a ratio says
something on a noisy machine, a time does not. The attackers share the machine with the server.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.attacks.attackers import ATTACKS
from benchmarks.attacks.others import Waited, ask_for
from benchmarks.servers import start_ganymede

MODEL = "fashion"
WITHIN = 2.0
"""Others wait at most so many times as long as usual: what `docs/reliability.md` promises."""
_SETTLED_S = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """An attack, and what others waited without and with it."""

    name: str
    usual: Waited
    during: Waited

    @property
    def ratio(self) -> float:
        """Of the p99s; endless where nobody was answered."""
        if not self.during.answers_s or not self.usual.answers_s:
            return float("inf")
        return self.during.p99_s / self.usual.p99_s


def main() -> int:
    """Attack, and print the table; 1 where others waited too long, or were not answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each phase")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--model", default=MODEL)
    options = parser.parse_args()
    console = Console()
    with start_ganymede(options.models, options.model) as running:
        ask_for(running.url, 1.0)  # what is loaded at the first request is not waited for later
        rows = []
        for name in ATTACKS:
            with console.status(name):
                rows.append(compare(name, running.url, options.seconds))
        survived = running.process.poll() is None
    console.print(write_table(rows), markup=False, highlight=False, soft_wrap=True)
    if not survived:
        console.print("The server ended before its time.")
    return int(not survived or any(row.during.failed or row.ratio > WITHIN for row in rows))


def compare(name: str, url: str, seconds: float) -> Row:
    """One attack: what others wait before it, and during it; then the server comes to rest."""
    usual = ask_for(url, seconds)
    with attacking(name, url):
        time.sleep(min(1.0, seconds))  # it gets going
        during = ask_for(url, seconds)
    _wait_for_rest(url)
    return Row(name, usual, during)


@contextmanager
def attacking(name: str, url: str) -> Iterator[None]:
    """Let a process attack."""
    command = [sys.executable, "-m", "benchmarks.attacks.attackers", name, url]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for_rest(url: str) -> None:
    """Wait until nothing of the attack is under way any more, as far as the service tells."""
    deadline = time.monotonic() + _SETTLED_S
    busy = ("ganymede_flight_bytes ", "ganymede_queue_images ")
    while time.monotonic() < deadline:
        lines = httpx.get(f"{url}/metrics", timeout=_SETTLED_S).text.splitlines()
        if not any(line.startswith(busy) and float(line.split()[-1]) for line in lines):
            return
        time.sleep(0.2)


def write_table(rows: list[Row]) -> str:
    """The rows in Markdown, as `docs/reliability.md` has them."""
    lines = [
        "| attack | p99 without it, ms | with it, ms | times as long | answered | not |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {ATTACKS[row.name][2]} | {1000 * row.usual.p99_s:.1f} | {1000 * row.during.p99_s:.1f} "
        f"| {row.ratio:.2f} | {len(row.during.answers_s):,} | {row.during.failed:,} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

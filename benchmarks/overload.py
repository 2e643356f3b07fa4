"""Five times more than the service can do: `python -m benchmarks.overload`.

First the peak, from a load that the queue holds. Then requests paced to five times the peak's rate, over many
connections, while a prober asks now and again and times the refusals it gets.
"""

import json
import re
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.servers import start_ganymede
from ganymede.load import apply_load

IMAGES = 16
TIMES = 5
CONNECTIONS = 400
_SCRIPT = Path(__file__).parent / "overload.lua"
_first_seeds = count(1_000_000_000, 7_000_000)


@dataclass(frozen=True, slots=True)
class Overloaded:
    """What the paced load saw, in requests, and the seconds that the prober's refusals took."""

    served_per_s: float
    refused_per_s: float
    other: int
    refusals_s: list[float]


def apply_overload(url: str, requests_per_s: float, seconds: float) -> Overloaded:
    """Offer `requests_per_s` for so many seconds."""
    refusals: list[float] = []
    over = threading.Event()
    prober = threading.Thread(target=_probe, args=(url, refusals, over))
    pause_ms = 1000 * CONNECTIONS / requests_per_s
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds:g}s",
        "--timeout",
        "60s",
        "-s",
        str(_SCRIPT),
        url,
    ]
    command += ["--", str(IMAGES), str(next(_first_seeds)), f"{pause_ms:.1f}"]
    prober.start()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    over.set()
    prober.join()
    match = re.search(r"^RESULT (.*)$", output, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"wrk said nothing that can be read:\n{output}")
    found = json.loads(match[1])
    return Overloaded(
        served_per_s=found["served"] / found["seconds"],
        refused_per_s=found["refused"] / found["seconds"],
        other=found["other"],
        refusals_s=refusals,
    )


def _probe(url: str, refusals: list[float], over: threading.Event) -> None:
    time.sleep(1)
    with httpx.Client(timeout=60) as client:
        while not over.is_set():
            began = time.perf_counter()
            if client.post(f"{url}/generate", json={"count": 512}).status_code == 503:
                refusals.append(time.perf_counter() - began)
            time.sleep(0.05)


def main(*, seconds: int = 8) -> None:
    """Print the peak, the goodput under overload, and how long refusals took."""
    console = Console()
    with start_ganymede(Path("models"), "fashion", GANYMEDE_MAX_QUEUE_IMAGES="512") as server:
        apply_load(server.url, images=IMAGES, connections=16, seconds=1)
        peak = apply_load(server.url, images=IMAGES, connections=16, seconds=seconds).images_per_s / IMAGES
        found = apply_overload(server.url, TIMES * peak, seconds)
        again = apply_load(server.url, images=IMAGES, connections=16, seconds=seconds).images_per_s / IMAGES
    best = max(peak, again)
    offered = found.served_per_s + found.refused_per_s
    console.print(f"peak {peak:.0f} requests/s of {IMAGES} images before, {again:.0f} after")
    console.print(
        f"offered {offered / best:.1f}× the peak: served {found.served_per_s:.0f}/s = "
        f"{found.served_per_s / best:.0%} of the peak, refused {found.refused_per_s:.0f}/s, "
        f"other {found.other}"
    )
    if found.refusals_s:
        refusals_ms = sorted(1000 * seconds for seconds in found.refusals_s)
        console.print(
            f"{len(refusals_ms)} timed refusals: median {statistics.median(refusals_ms):.1f} ms, "
            f"p99 {refusals_ms[int(0.99 * len(refusals_ms))]:.1f} ms, most {refusals_ms[-1]:.1f} ms"
        )


if __name__ == "__main__":
    main()

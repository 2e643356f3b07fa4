"""Five times more than the service can do: `python -m benchmarks.overload [--against PATH]`.

First the peak, from a load that the queue holds. Then requests paced to five times the peak's rate, over many
connections, while a prober asks now and again and times the refusals it gets. All of it shares the cores.
"""

import argparse
import json
import re
import statistics
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from benchmarks.against import add_against, alternate, describe_ratios, ratios_of, start_both
from benchmarks.servers import Running, start_ganymede
from ganymede.load import apply_load

TIMES = 5
QUEUE_REQUESTS = 32
CONNECTIONS = 120
"""Those that wait in the queue, and enough others to offer the rest: wrk's own cost grows with them."""
PROBE_INTERVAL_S = 0.1
PROBE_IMAGES = 1000
"""At most; a request for more than 1,024 would be refused for another reason."""
_SCRIPT = Path(__file__).parent / "overload.lua"
_EXPECTED = {"200", "503", "499"}
"""Served, refused, and hung up on: what still waits when wrk ends."""
_first_seeds = count(1_000_000_000, 7_000_000)


@dataclass(frozen=True, slots=True)
class Overloaded:
    """What the paced load saw, in requests, and the seconds that the prober's refusals took."""

    served_per_s: float
    refused_per_s: float
    failed: int
    refusals_s: list[float]

    @property
    def refusal_s(self) -> float:
        """The median of those seconds; 0 where none was timed."""
        return statistics.median(self.refusals_s) if self.refusals_s else 0.0


def apply_overload(url: str, images: int, requests_per_s: float, seconds: float) -> Overloaded:
    """Offer `requests_per_s` of `images` each, `TIMES` what can be served, for so many seconds."""
    refusals: list[float] = []
    over = threading.Event()
    prober = threading.Thread(
        target=_probe, args=(url, min(PROBE_IMAGES, QUEUE_REQUESTS * images), refusals, over)
    )
    # One answer in TIMES waits for a full queue: TIMES * QUEUE_REQUESTS / requests_per_s seconds.
    pause_ms = 1000 * (CONNECTIONS - QUEUE_REQUESTS) / requests_per_s
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "60s", "-s", str(_SCRIPT)]
    command += [url, "--", str(images), str(next(_first_seeds)), f"{pause_ms:.1f}"]
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
        failed=found["failed"],
        refusals_s=refusals,
    )


def count_statuses(url: str) -> Counter[str]:
    """How many requests for pictures the service at `url` has answered with each status."""
    counted = Counter[str]()
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text):
        for sample in family.samples:
            if sample.name == "ganymede_requests_total" and sample.labels["route"] == "/generate":
                counted[sample.labels["status"]] += int(sample.value)
    return counted


def _probe(url: str, images: int, refusals: list[float], over: threading.Event) -> None:
    """Ask for more than there is ever room for, with little more than a socket."""
    time.sleep(1)
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=60)) as connection:
        while not over.is_set():
            began = time.perf_counter()
            connection.request("POST", "/generate", json.dumps({"count": images}))
            response = connection.getresponse()
            response.read()
            if response.status == 503:
                refusals.append(time.perf_counter() - began)
            time.sleep(PROBE_INTERVAL_S)


def main(*, seconds: int = 8) -> None:
    """Print, for small and for large requests, the peak, the goodput under overload, the refusals' times."""
    for images in (16, 64):
        measure(images, seconds, Console())


def measure(images: int, seconds: int, console: Console) -> None:
    """Overload a service of its own with requests of `images` each, and print what it did."""
    with start_ganymede(Path("models"), "fashion", **_queue_of(images)) as server:
        peak = find_peak(server, images, seconds)
        found = apply_overload(server.url, images, TIMES * peak, seconds)
        again = find_peak(server, images, seconds)
        statuses = count_statuses(server.url)
    failed = found.failed + sum(statuses[status] for status in statuses if status not in _EXPECTED)
    best = max(peak, again)
    offered = found.served_per_s + found.refused_per_s
    console.print(f"{images} images a request: peak {peak:.0f} requests/s before, {again:.0f} after")
    console.print(
        f"offered {offered / best:.1f}× the peak: served {found.served_per_s:.0f}/s = "
        f"{found.served_per_s / best:.0%} of the peak, refused {found.refused_per_s:.0f}/s, "
        f"failed {failed}"
    )
    if found.refusals_s:
        refusals_ms = sorted(1000 * seconds for seconds in found.refusals_s)
        console.print(
            f"{len(refusals_ms)} timed refusals: median {statistics.median(refusals_ms):.1f} ms, "
            f"p99 {refusals_ms[int(0.99 * len(refusals_ms))]:.1f} ms, most {refusals_ms[-1]:.1f} ms"
        )


def compare_trees(tree: Path, *, rounds: int, seconds: int, console: Console) -> None:
    """Print what this tree serves and refuses under one overload, against `tree`, as ratios."""
    for images in (16, 64):
        with start_both(Path("models"), "fashion", tree, **_queue_of(images)) as (ours, theirs):
            peak = max(find_peak(server, images, max(1, seconds // 2)) for server in (ours, theirs))

            def overload(server: Running, images: int = images, peak: float = peak) -> Overloaded:
                return apply_overload(server.url, images, TIMES * peak, seconds)

            pairs = alternate(ours, theirs, rounds, overload)
        served = describe_ratios(ratios_of(pairs, lambda found: found.served_per_s))
        refusal = describe_ratios(ratios_of(pairs, lambda found: found.refusal_s))
        failed = [sum(pair[side].failed for pair in pairs) for side in (0, 1)]
        console.print(
            f"{images} images a request, {TIMES}× the peak of {peak:.0f}/s: served {served} of {tree}'s, "
            f"median refusal in {refusal} of its time; failed {failed[0]}, there {failed[1]}"
        )


def find_peak(server: Running, images: int, seconds: int) -> float:
    """Requests a second from a load that the queue holds."""
    apply_load(server.url, images=images, connections=16, seconds=1)
    peak = apply_load(server.url, images=images, connections=16, seconds=seconds).images_per_s / images
    if not peak:
        raise RuntimeError(
            f"Nothing was answered within {seconds} s: take more seconds, or a quieter machine."
        )
    return peak


def _queue_of(images: int) -> dict[str, str]:
    return {"GANYMEDE_MAX_QUEUE_IMAGES": str(QUEUE_REQUESTS * images)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    add_against(parser)
    chosen = parser.parse_args()
    if chosen.against is None:
        main(seconds=chosen.seconds)
    else:
        compare_trees(chosen.against, rounds=chosen.rounds, seconds=chosen.seconds, console=Console())

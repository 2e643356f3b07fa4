"""The load: wrk, a compiled load generator, every request with a seed that was never asked for before."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_SCRIPT = Path(__file__).parent / "fresh_seeds.lua"
_first_seeds = count(0, 7_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of the load saw; `failed`: answers other than 2xx and 3xx, and broken connections."""

    images_per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def apply_load(url: str, *, images: int, connections: int, seconds: float) -> Measured:
    """Ask for `images` pictures a request over `connections` for so many seconds.

    Raises:
        SystemExit: wrk is not installed.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("The benchmark needs wrk: apt install wrk.")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s"]
    command += ["-s", str(_SCRIPT), url, "--", str(images), str(next(_first_seeds))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r"^RESULT (.*)$", output, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"wrk said nothing that can be read:\n{output}")
    result = json.loads(match[1])
    answered = result["requests"] - result["failed"]
    return Measured(
        images_per_s=answered * images / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        requests=result["requests"],
        failed=result["failed"],
    )

"""The load: wrk, a compiled load generator, every request with a seed that was never asked for before."""

import json
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from foundation.errors import GanymedeError

_SCRIPT = Path(__file__).parent / "fresh_seeds.lua"
_SEEDS = 4_294_000_000


class LoadFailed(GanymedeError):
    """The load could not be applied."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of the load saw; `failed`: answers other than 2xx and 3xx, and broken connections."""

    images_per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def apply_load(
    url: str, *, images: int, connections: int, seconds: int, model: str = "", key: str | None = None
) -> Measured:
    """Ask for `images` pictures a request of `model` over `connections` for so many seconds.

    Raises:
        LoadFailed: wrk is not installed, or cannot reach `url`.
    """
    if shutil.which("wrk") is None:
        raise LoadFailed(
            "The load is made by wrk, which is not installed: apt install wrk, or brew install wrk."
        )
    address = urlsplit(url)
    server = f"{address.scheme}://{address.netloc}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(_SCRIPT)]
    command += ["-H", f"X-Api-Key: {key}"] if key else []
    command += [server, "--", str(images), str(secrets.randbelow(_SEEDS))]
    command += [f"{address.path.rstrip('/')}/generate", model]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    match = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if match is None:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise LoadFailed(f"wrk could not load {url}; it said: {said[0]}")
    result = json.loads(match[1])
    answered = result["requests"] - result["failed"]
    return Measured(
        images_per_s=answered * images / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        requests=result["requests"],
        failed=result["failed"],
    )

"""`make fuzz MINUTES=n`: every target in its turn, each for its share of the minutes."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import NAMES

FOLDER = Path(".cache") / "fuzz"


def main() -> int:
    """Fuzz; the number of targets in which a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("targets", nargs="*", choices=[[], *NAMES], metavar="TARGET")
    options = parser.parse_args()
    names = options.targets or list(NAMES)
    seconds = max(1, round(60 * options.minutes / len(names)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    faults = [name for name in names if not fuzz(name, seconds)]
    print(f"{len(names)} targets, {seconds} s each; with a fault: {', '.join(faults) or 'none'}")
    return len(faults)


def fuzz(name: str, seconds: int) -> bool:
    """Whether one target stood its time."""
    log = FOLDER / f"{name}.log"
    command = [sys.executable, "-m", "tests.fuzz.loop", name, str(seconds), str(FOLDER)]
    environment = {**os.environ, "GANYMEDE_PICTURES": str(FOLDER / "pictures")}
    with log.open("w") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment).returncode
    text = log.read_text(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", text) or re.search(r"(\d+) rounds", text)
    outcome = "ok" if code == 0 else "FAULT"
    print(f"{name:<16} {outcome:<6} {runs[1] if runs else '?'} runs, see {log}", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())

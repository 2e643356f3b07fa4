"""One target, fuzzed for seconds in its own process: `python -m tests.fuzz.loop NAME SECONDS FOLDER`.

By coverage where `atheris` (libFuzzer) is installed, else by Hypothesis, which looks for other examples than
in the test suite. What was found is left in FOLDER as a file; a path instead of SECONDS replays such a file.
"""

import importlib.util
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

TIMEOUT_S = 120
MEMORY_LIMIT_MB = 4096
INSTRUMENTED = [
    "service",
    "training",
    "ganymede",
    "PIL",
    "zipfile",
    "gzip",
    "numpy.lib",
    "starlette",
    "mimeparse",
]


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Look for a fault, for so long; the process ends with the first."""
    atheris = load_atheris()
    with atheris.instrument_imports(include=INSTRUMENTED) if atheris else nullcontext():
        from tests.fuzz.targets import find_target

        target = find_target(name)
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content)
    if atheris:
        limits = [f"-max_total_time={seconds}", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_LIMIT_MB}"]
        found = f"-artifact_prefix={folder}/{name}-"
        options = ["-max_len=65536", "-print_final_stats=1", found, str(corpus)]
        atheris.Setup([sys.argv[0], *limits, *options], lambda content: target.attack(content) and None)
        atheris.Fuzz()
    else:
        fuzz_by_hypothesis(target, time.monotonic() + seconds, folder)


def load_atheris() -> Any:
    """The package, or None where there is none for this Python."""
    return importlib.import_module("atheris") if importlib.util.find_spec("atheris") else None


def fuzz_by_hypothesis(target: Any, until: float, folder: Path) -> None:
    """Examples in rounds of a thousand, each round from another seed, until that moment."""
    from hypothesis import HealthCheck, given, seed, settings

    from tests.fuzz.attack import strategy_of

    rounds = 0
    while time.monotonic() < until:

        @seed(rounds)
        @settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(content=strategy_of(target))
        def attack(content: bytes) -> None:
            if time.monotonic() < until:
                (folder / f"{target.name}-last").write_bytes(content)
                target.attack(content)

        attack()
        rounds += 1
    (folder / f"{target.name}-last").unlink(missing_ok=True)
    print(f"{target.name}: {rounds} rounds of 1,000 examples")


def replay(name: str, path: Path) -> None:
    """Attack with a file that was left by an earlier run."""
    from tests.fuzz.targets import find_target

    print(find_target(name).attack(path.read_bytes()) or "It is read.")


if __name__ == "__main__":
    name, what, *rest = sys.argv[1:]
    if what.isdigit():
        fuzz(name, int(what), Path(rest[0]))
    else:
        replay(name, Path(what))

"""`make soak MINUTES=60`: the server under everything at once, watched from outside."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress

from benchmarks.servers import start_ganymede
from benchmarks.soak.releases import RELEASE_INTERVAL_S, Releases
from benchmarks.soak.report import draw_charts, write_summary
from benchmarks.soak.samples import Sampler
from benchmarks.soak.traffic import Traffic

MODEL = "fashion"


def main() -> int:
    """Soak, and write what it showed; 1 where anything was answered that should not be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--models", type=Path, default=Path("models"), help="a store to copy from")
    parser.add_argument("--output", type=Path, default=Path("runs") / "soak")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "models"
        shutil.copytree(options.models, store)
        return soak(store, 60 * options.minutes, options.output)


def soak(store: Path, seconds: float, output: Path) -> int:
    """Soak a server on `store`, which is changed; write the summary and the charts into `output`."""
    console = Console()
    settings = {"GANYMEDE_UI": "on", "GANYMEDE_RELOAD_INTERVAL_S": "2"}
    with start_ganymede(store, MODEL, **settings) as running:
        httpx.get(f"{running.url}/ui/", timeout=300)  # the page takes its memory before the first sample
        sampler = Sampler(running.process.pid, interval_s=min(5.0, seconds / 60))
        traffic = Traffic(running.url, MODEL)
        releases = Releases(store, MODEL, interval_s=min(RELEASE_INTERVAL_S, seconds / 12))
        for part in (sampler, traffic, releases):
            part.start()
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("Soaking", total=seconds)
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and running.process.poll() is None:
                time.sleep(min(1.0, left))
                progress.update(task, completed=seconds - left)
        survived = running.process.poll() is None
        releases.stop()
        traffic.stop()
        sampler.stop()
    notes = [
        f"Meanwhile {releases.published} releases were published, and promoted or rolled back.",
        f"The store was away {releases.away} times.",
        "The server lived to the end." if survived else "**The server ended before its time.**",
    ]
    console.print(write_summary(output, sampler.samples, traffic, notes=notes), markup=False, soft_wrap=True)
    console.print(f"Charts: {draw_charts(output, sampler.samples, traffic)}")
    return int(bool(traffic.faults()) or not survived)


if __name__ == "__main__":
    sys.exit(main())

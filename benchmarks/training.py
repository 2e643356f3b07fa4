"""Training speed of `dcgan` against the TensorFlow tutorial's own loop: `python -m benchmarks.training`.

The same networks and batch in processes of their own, one of which trains at a time; rounds alternate
between them, and a ratio is the median of the rounds' ratios. With `--torch-python PYTHON`, an interpreter
that has PyTorch, it is measured too.
"""

import argparse
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.rounds import RESULT
from training.data import load_pictures
from training.networks.precision import choose_precision

OURS, TUTORIAL, TORCH = "ours", "TensorFlow tutorial", "PyTorch channels_last bf16"
SMALL_DATA = Path(__file__).parents[1] / "tests" / "data" / "fashion-mnist"
IMAGES = 60_000


class Trainer:
    """A process that trains when it is told to."""

    def __init__(self, name: str, python: str, module: str, images: Path) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [python, "-m", module, str(images)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()  # it is warm

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def train(self, seconds: float) -> float:
        """Train for so long; return images/s."""
        print(seconds, file=self.process.stdin, flush=True)
        images, took_s = self._read()
        return images / took_s

    def _read(self) -> tuple[float, float]:
        for line in self.process.stdout or ():
            if line.startswith(RESULT):
                _, images, seconds = line.split()
                return float(images), float(seconds)
        raise SystemExit(f"{self.name} ended with status {self.process.wait()}.")


def compare(*, rounds: int, seconds: float, torch_python: str | None, console: Console) -> None:
    """Print images/s of each, and how many times the peers' ours is."""
    small = load_pictures("fashion-mnist", SMALL_DATA).images
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "images.npy"
        np.save(path, np.tile(small, (IMAGES // len(small), 1, 1, 1)))
        modules = {
            OURS: (sys.executable, "benchmarks.own_dcgan"),
            TUTORIAL: (sys.executable, "benchmarks.peers.tutorial_dcgan"),
        }
        if torch_python:
            modules[TORCH] = (torch_python, "benchmarks.peers.torch_dcgan")
        trainers = [stack.enter_context(Trainer(name, *found, path)) for name, found in modules.items()]
        rates: dict[str, list[float]] = {name: [] for name in modules}
        for turn in range(rounds):
            for trainer in trainers if turn % 2 == 0 else trainers[::-1]:
                rates[trainer.name].append(trainer.train(seconds))
    table = Table("batch 256", "images/s", "ours is", box=None)
    for name, found in rates.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates[OURS], found, strict=True))
        table.add_row(name, f"{statistics.median(found):.0f}", f"{ratio:.2f}×")
    console.print(table)
    console.print(f"ours in {choose_precision()}, the tutorial in float32; {rounds} rounds of {seconds:g} s")
    if not torch_python:
        console.print("PyTorch was not measured: name a Python that has it with --torch-python.")


def main(*, rounds: int = 5, seconds: float = 4, torch_python: str | None = None) -> None:
    """Compare, with PyTorch if it can be imported here or in `torch_python`."""
    here = sys.executable if find_spec("torch") else None
    compare(rounds=rounds, seconds=seconds, torch_python=torch_python or here, console=Console())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--torch-python", metavar="PYTHON")
    chosen = parser.parse_args()
    main(rounds=chosen.rounds, seconds=chosen.seconds, torch_python=chosen.torch_python)

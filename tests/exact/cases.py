"""Generators, what goes in, and the pictures that every engine and every processor must draw of it.

`make exact` fetches what the ways here need into `.cache/exact` before: OpenVINO and onnxruntime-web by their
registries, QEMU's user emulation and what runs in it by apt.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx

from foundation.grid.calibration import draw_feeds
from foundation.grid.price import draw
from foundation.manifest import Manifest
from tests.conftest import REPOSITORY

TOOLS = REPOSITORY / ".cache" / "exact"
MODELS = REPOSITORY / "models"
ENGINES = REPOSITORY / "tests" / "exact"
NAMES = ["small", "fashion", "emoji"]
NEWEST = {"fashion": "v3", "emoji": "v4"}
"""The exact version of each; the graph of `emoji@v3` is the first part of that of `emoji@v4`."""
SEEDS = 256
EMULATED_SEEDS = 64
QEMU = TOOLS / "qemu" / "usr" / "bin" / "qemu-x86_64-static"
ARM = TOOLS / "arm"
TIMEOUT_S = 3600


class Case:
    """A graph, what goes in, and the sha256 that its pictures must have."""

    def __init__(self, folder: Path, name: str, floats: onnx.ModelProto, exact: onnx.ModelProto, feeds):
        self.feeds, self.exact, self.floats = feeds, exact, floats
        self.graph, self.float_graph = folder / f"{name}.onnx", folder / f"{name}-float.onnx"
        onnx.save(exact, self.graph)
        onnx.save(floats, self.float_graph)
        self.images = draw(exact, feeds)

    def expected(self, count=SEEDS):
        return hashlib.sha256(self.images[:count].tobytes()).hexdigest()

    def write(self, folder: Path, count=SEEDS):
        path = folder / f"feeds-{count}.npz"
        np.savez(path, **{name: values[:count] for name, values in self.feeds.items()})
        return path


def read_bundled(folder: Path, name: str):
    """The exact generator and a float one; 256 seeds, some of blended classes, some truncated."""
    versions, newest = MODELS / name / "versions", NEWEST[name]
    manifest = Manifest.model_validate_json((versions / newest / "manifest.json").read_text())
    floats, exact = (onnx.load(versions / version / "generator.onnx") for version in ("v2", newest))
    feeds = draw_feeds(manifest.latent, manifest.label, SEEDS, first=50_000)
    return Case(folder, name, floats, exact, feeds)


def run(command, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()[-1]


def engine(name, graph, feeds, *output, before=(), python=sys.executable, **environment):
    return run([*before, python, ENGINES / "engines.py", name, graph, feeds, *output], **environment)


def on_x86(processor, graph, feeds, *output):
    return engine("onnxruntime", graph, feeds, *output, before=[QEMU, "-cpu", processor])


def on_arm(processor, graph, feeds, *output):
    """By Python, NumPy and ONNX Runtime for ARM, which `tests/exact/arm` fetches."""
    return engine(
        "onnxruntime",
        graph,
        feeds,
        *output,
        before=[ARM / "root" / "usr" / "bin" / "qemu-aarch64", "-cpu", processor, "-L", ARM / "root"],
        python=ARM / "root" / "usr" / "bin" / "python3.13",
        PYTHONPATH=str(ARM / "site"),
    )


def on_openvino(graph, feeds, *output):
    return engine("openvino", graph, feeds, *output, PYTHONPATH=str(TOOLS / "openvino"))

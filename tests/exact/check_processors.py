"""The bundled `fashion@v3`: the same pictures on other engines and emulated processors.

`make exact` runs these and fetches what they need into `.cache/exact` before: OpenVINO and onnxruntime-web by
their registries, QEMU's user emulation by apt. Each engine is also given a grid that was broken, or the float
graph, and must be seen to differ by something.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from foundation.grid.calibration import draw_feeds
from foundation.grid.price import draw
from foundation.manifest import Manifest
from foundation.onnx_runtime import onnxruntime
from tests.conftest import REPOSITORY
from tests.exact.graphs import conditional, feeds_of, place_small
from tests.exact.integers import draw_integers

TOOLS = REPOSITORY / ".cache" / "exact"
VERSIONS = REPOSITORY / "models" / "fashion" / "versions"
ENGINES = REPOSITORY / "tests" / "exact"
SEEDS = 256
EMULATED_SEEDS = 64
QEMU = TOOLS / "qemu" / "usr" / "bin" / "qemu-x86_64-static"
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


@pytest.fixture(scope="session")
def fashion(tmp_path_factory):
    """The bundled exact generator and the float one; 256 seeds, some of blended classes, some truncated."""
    manifest = Manifest.model_validate_json((VERSIONS / "v3" / "manifest.json").read_text())
    floats, exact = (onnx.load(VERSIONS / version / "generator.onnx") for version in ("v2", "v3"))
    feeds = draw_feeds(manifest.latent, manifest.label, SEEDS, first=50_000)
    return Case(tmp_path_factory.mktemp("fashion"), "fashion", floats, exact, feeds)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    floats = conditional()
    exact = place_small(floats).model
    return Case(tmp_path_factory.mktemp("small"), "small", floats, exact, feeds_of(exact, SEEDS))


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


def engine(name, graph, feeds, *before, **environment):
    return run([*before, sys.executable, ENGINES / "engines.py", name, graph, feeds], **environment)


def test_every_batch_size_gives_the_same_pictures(fashion):
    session = onnxruntime.InferenceSession(fashion.graph, providers=["CPUExecutionProvider"])
    for size in range(1, 65):
        for start in (0, SEEDS - size):
            part = {name: values[start : start + size] for name, values in fashion.feeds.items()}
            assert np.array_equal(session.run(None, part)[0], fashion.images[start : start + size]), size


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_ALL"])
def test_threads_and_rewrites_change_nothing(fashion, threads, level):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(fashion.graph, options, providers=["CPUExecutionProvider"])
    for start in range(0, SEEDS, 32):
        part = {name: values[start : start + 32] for name, values in fashion.feeds.items()}
        assert np.array_equal(session.run(None, part)[0], fashion.images[start : start + 32])


def test_int64_says_the_same(fashion):
    graph = fashion.graph.read_bytes()
    for start in range(0, SEEDS, 32):
        part = {name: values[start : start + 32] for name, values in fashion.feeds.items()}
        assert np.array_equal(draw_integers(graph, part), fashion.images[start : start + 32])


@pytest.mark.parametrize("name", ["small", "fashion"])
def test_openvino_draws_the_same(name, request, tmp_path):
    case = request.getfixturevalue(name)
    feeds, path = case.write(tmp_path), {"PYTHONPATH": str(TOOLS / "openvino")}
    assert engine("openvino", case.graph, feeds, **path) == case.expected()


@pytest.mark.parametrize("name", ["small", "fashion"])
def test_webassembly_draws_the_same(name, request, tmp_path):
    case = request.getfixturevalue(name)
    batches = [
        {
            key: {
                "dims": list(values[start : start + 16].shape),
                "data": values[start : start + 16].ravel().tolist(),
            }
            for key, values in case.feeds.items()
        }
        for start in range(0, SEEDS, 16)
    ]
    path = tmp_path / "feeds.json"
    path.write_text(json.dumps(batches))
    assert run(["node", ENGINES / "web.mjs", case.graph, path], WEB=str(TOOLS / "web")) == case.expected()


@pytest.mark.parametrize("processor", ["Nehalem", "Haswell"])
@pytest.mark.parametrize("name", ["small", "fashion"])
def test_emulated_processors_draw_the_same(name, processor, request, tmp_path):
    """Nehalem has no AVX at all, Haswell AVX2 and no AVX-512: ONNX Runtime takes other kernels on each."""
    case = request.getfixturevalue(name)
    feeds = case.write(tmp_path, EMULATED_SEEDS)
    found = engine("onnxruntime", case.graph, feeds, QEMU, "-cpu", processor)
    assert found == case.expected(EMULATED_SEEDS)


def test_the_float_graph_differs_somewhere_so_that_these_checks_can_fail(fashion, tmp_path):
    """Before its levels are rounded: its levels themselves differ in a pixel of thousands, or in none."""
    name = next(node.output[0] for node in fashion.floats.graph.node if node.op_type == "Tanh")
    watched = onnx.ModelProto()
    watched.CopyFrom(fashion.floats)
    watched.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    part = {key: values[:16] for key, values in fashion.feeds.items()}
    answers = []
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(watched.SerializeToString(), options)
        answers.append(session.run([name], part)[0])
    assert not np.array_equal(*answers)

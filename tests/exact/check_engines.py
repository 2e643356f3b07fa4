"""The bundled `fashion@v3` and `emoji@v4`: the same pictures in every batch, on other engines, in int64."""

import json

import numpy as np
import onnx
import pytest

from foundation.onnx_runtime import onnxruntime
from tests.exact.cases import ENGINES, NAMES, SEEDS, TOOLS, on_openvino, run
from tests.exact.integers import draw_integers


def test_every_batch_size_gives_the_same_pictures(bundled):
    session = onnxruntime.InferenceSession(bundled.graph, providers=["CPUExecutionProvider"])
    for size in range(1, 65):
        for start in (0, SEEDS - size):
            part = {name: values[start : start + size] for name, values in bundled.feeds.items()}
            assert np.array_equal(session.run(None, part)[0], bundled.images[start : start + size]), size


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_ALL"])
def test_threads_and_rewrites_change_nothing(bundled, threads, level):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(bundled.graph, options, providers=["CPUExecutionProvider"])
    for start in range(0, SEEDS, 32):
        part = {name: values[start : start + 32] for name, values in bundled.feeds.items()}
        assert np.array_equal(session.run(None, part)[0], bundled.images[start : start + 32])


def test_int64_says_the_same(bundled):
    graph = bundled.graph.read_bytes()
    for start in range(0, SEEDS, 32):
        part = {name: values[start : start + 32] for name, values in bundled.feeds.items()}
        assert np.array_equal(draw_integers(graph, part), bundled.images[start : start + 32])


@pytest.mark.parametrize("name", NAMES)
def test_openvino_draws_the_same(name, request, tmp_path):
    case = request.getfixturevalue(name)
    assert on_openvino(case.graph, case.write(tmp_path)) == case.expected()


@pytest.mark.parametrize("name", NAMES)
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

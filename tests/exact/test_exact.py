"""Graphs on grids: proven, near to the float ones, and the same however and wherever they are run."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from foundation.errors import ReleaseRefused
from foundation.grid.demands import NotPlaceable
from foundation.grid.price import compare, draw
from foundation.grid.proof import NotExact, prove_exact
from foundation.onnx_runtime import onnxruntime
from service.engine.devices import Device, cpu_device, exact_device
from tests.exact.graphs import GRAPHS, LATENT, Writer, conditional, feeds_of, place_small
from tests.exact.integers import draw_integers


@pytest.fixture(scope="module", params=GRAPHS)
def pair(request):
    """A float graph, and what became of it."""
    floats = GRAPHS[request.param]()
    return floats, place_small(floats)


@pytest.fixture(scope="module")
def placed():
    return place_small(conditional())


def altered(model, change):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    change(copy.graph)
    return copy


def test_an_exact_graph_is_proven_and_near_to_the_float_one(pair):
    floats, placed = pair
    proof = prove_exact(placed.model)
    assert 0.4 < proof.worst <= 1
    price = compare(floats, placed.model, feeds_of(floats, 64))
    assert price.mean_levels < 1.5, price


def test_an_exact_graph_means_what_int64_says(pair):
    _, placed = pair
    feeds = feeds_of(placed.model, 48)
    means = draw_integers(placed.model.SerializeToString(), feeds)
    assert np.array_equal(draw(placed.model, feeds), means)


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"])
def test_threads_batches_and_rewrites_change_no_byte(pair, level):
    _, placed = pair
    feeds = feeds_of(placed.model, 64)
    expected = draw(placed.model, feeds)
    for threads, sizes in ((1, (1, 7, 64)), (2, (3, 64))):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(placed.model.SerializeToString(), options)
        for size in sizes:
            for start in range(0, 64, size):
                part = {name: values[start : start + size] for name, values in feeds.items()}
                assert np.array_equal(session.run(None, part)[0], expected[start : start + size]), (
                    threads,
                    size,
                )


def test_a_sum_in_another_order_changes_no_byte_of_an_exact_graph_and_some_of_a_float_one(placed):
    """The channels between the layers change places, and with them the order in which they are added."""

    def shuffle(graph):
        kernels = [node for node in graph.node if node.op_type == "Conv"]
        tensors = {each.name: each for each in graph.initializer}
        order = np.random.default_rng(0).permutation(8)
        first, last = (tensors[kernels[index].input[1]] for index in (1, 2))
        last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last)[:, order], last.name))
        first.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(first)[order], first.name))

    feeds = feeds_of(placed.model, 256)
    assert np.array_equal(draw(altered(placed.model, shuffle), feeds), draw(placed.model, feeds))
    floats = conditional()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    def raw(model):
        watched = altered(
            model, lambda graph: graph.output.append(helper.make_tensor_value_info("tanh22_0", 1, None))
        )
        name = next(node.output[0] for node in model.graph.node if node.op_type == "Tanh")
        watched.graph.output[-1].name = name
        return onnxruntime.InferenceSession(watched.SerializeToString(), options).run([name], feeds)[0]

    assert not np.array_equal(raw(altered(floats, shuffle)), raw(floats))


def test_latents_that_differ_in_their_last_bit_give_the_same_pictures(placed):
    feeds = feeds_of(placed.model, 256)
    nearly = feeds | {"latent": np.nextafter(feeds["latent"], np.float32(9))}
    assert np.array_equal(draw(placed.model, nearly), draw(placed.model, feeds))


def test_latents_and_labels_of_any_size_are_bounded(placed):
    feeds = {name: values * np.float32(1e30) for name, values in feeds_of(placed.model, 8).items()}
    assert np.array_equal(draw(placed.model, feeds), draw_integers(placed.model.SerializeToString(), feeds))


def double_a_channel(graph):
    tensor = next(
        each for each in graph.initializer if each.name.endswith("/weights") and len(each.dims) == 4
    )
    values = numpy_helper.to_array(tensor).copy()
    values[5] *= 17
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def leave_the_grid(graph):
    tensor = next(
        each for each in graph.initializer if each.name.endswith("/weights") and len(each.dims) == 4
    )
    values = numpy_helper.to_array(tensor).copy()
    values[2, 0, 0, 0] += np.float32(1e-5)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def drop_a_clip(graph):
    node = next(each for each in graph.node if each.op_type == "Clip" and "latent" in each.output[0])
    node.op_type = "Identity"
    del node.input[1:]


def drop_a_round(graph):
    node = next(each for each in graph.node if each.op_type == "Round" and "latent" in each.output[0])
    node.op_type = "Identity"


def change_the_slope(graph):
    node = next(each for each in graph.node if each.op_type == "LeakyRelu")
    node.attribute[0].CopyFrom(helper.make_attribute("alpha", 0.2))


def move_the_middle(graph):
    node = next(each for each in graph.node if each.op_type == "Add" and each.output[0].endswith("/between"))
    node.op_type, node.input[1:] = "Identity", []


def average(graph):
    node = next(each for each in graph.node if each.op_type == "Tanh")
    node.op_type = "Softsign"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (double_a_channel, r"Conv .*channel 5 may reach .* steps"),
        (leave_the_grid, r"Conv .*channel 2 may reach .* steps"),
        (drop_a_clip, r"MatMul .*channel 0 may reach inf"),
        (drop_a_round, "is not rounded to a grid before"),
        (change_the_slope, r"LeakyRelu .*channel \d+ may reach"),
        (move_the_middle, r"Round .*rounded from 127.5"),
        (average, "Softsign .*an operator that is not proven"),
    ],
)
def test_a_broken_grid_is_refused_by_operator_and_channel(change, says, placed):
    with pytest.raises(NotExact, match=says):
        prove_exact(altered(placed.model, change))


def test_a_float_graph_is_not_exact():
    with pytest.raises(NotExact, match="is not rounded to a grid before"):
        prove_exact(conditional())


def test_functions_of_a_graphs_own_and_foreign_operators_are_refused(placed):
    copy = altered(placed.model, lambda graph: None)
    body = [helper.make_node("Neg", ["x"], ["y"])]
    copy.functions.append(helper.make_function("", "Round", ["x"], ["y"], body, []))
    with pytest.raises(NotExact, match="functions of its own"):
        prove_exact(copy)
    with pytest.raises(NotExact, match="not ONNX's own"):
        prove_exact(altered(placed.model, lambda graph: setattr(graph.node[0], "domain", "com.microsoft")))


def test_what_has_no_place_on_a_grid_is_named():
    write = Writer()
    values = write.add("Softmax", write.add("MatMul", "latent", write.weights(6, 16)), axis=1)
    model = write.end(
        write.add("Reshape", values, write.constant(np.array([-1, 4, 4, 1]))), (4, 4, 1), label=False
    )
    with pytest.raises(NotPlaceable, match="Softmax"):
        place_small(model)


def test_every_level_of_the_end_is_far_from_the_next():
    from foundation.grid.ending import find_end
    from foundation.grid.reading import Graph

    floats = conditional()
    from foundation.grid.calibration import measure_ranges
    from foundation.grid.folding import fold

    folded = fold(floats)
    end = find_end(Graph(folded), measure_ranges(folded, feeds_of(floats, 16)))
    assert end.margin_levels > 2e-4


def test_numpy_without_its_vector_features_draws_the_same_pictures(placed, tmp_path):
    """Its logarithm, sine and cosine differ in their last bits, its sums in their order."""
    path = tmp_path / "generator.onnx"
    path.write_bytes(placed.model.SerializeToString())
    program = (
        "import hashlib, sys\n"
        "from tests.exact.graphs import feeds_of\n"
        "from tests.exact.integers import draw_integers\n"
        "import onnx\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "images = draw_integers(content, feeds_of(onnx.load_model_from_string(content), 256))\n"
        "print(hashlib.sha256(images.tobytes()).hexdigest())\n"
    )
    features = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    found = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(path)],
            env=os.environ | {"NPY_DISABLE_CPU_FEATURES": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for disabled in ("", features)
    }
    images = draw(placed.model, feeds_of(placed.model, 256))
    assert found == {hashlib.sha256(images.tobytes()).hexdigest()}


def test_exact_releases_are_kept_off_what_rounds_on_a_gpu():
    providers = (
        ("TensorrtExecutionProvider", {"trt_fp16_enable": True}),
        ("CUDAExecutionProvider", {"use_tf32": 1}),
    )
    device = exact_device(Device("tensorrt", providers, (1, 4), precision="fast"))
    assert [name for name, _ in device.providers] == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert device.providers[0][1] == {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": 0}
    assert (device.name, device.precision, device.batch_sizes) == ("cuda", "exact", (1, 4))
    assert exact_device(cpu_device(2)) == cpu_device(2)


def test_a_release_that_only_says_that_it_is_exact_is_refused(tmp_path):
    from foundation.store import FolderStore
    from service.releases.opening import open_release
    from tests.tiny_models import TinyModel, publish_tiny_model

    manifest = publish_tiny_model(tmp_path, TinyModel())
    path = tmp_path / "grey" / "versions" / "v1" / "manifest.json"
    path.write_text(manifest.model_copy(update={"arithmetic": "exact"}).model_dump_json())
    with pytest.raises(
        ReleaseRefused, match=r"arithmetic is exact, and generator.onnx is not proven.*MatMul"
    ):
        open_release(FolderStore(tmp_path), "grey", "v1", cpu_device(1))


def test_the_latents_grid_holds_what_seeds_give():
    assert LATENT.distribution == "normal"
    steps = feeds_of(conditional(), 256)["latent"] * 256
    assert np.abs(steps).max() < 2048

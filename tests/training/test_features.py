"""Any network in ONNX as a feature space: tiny ones here, and what is said of those that are none."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from training.errors import EvaluationError
from training.evaluation.features import FeatureNetwork


def write_network(path, shape, nodes, *, kind=TensorProto.FLOAT, outputs=("features",), more_inputs=()):
    """A graph from `image` of `shape` through `nodes`."""
    inputs = [helper.make_tensor_value_info(name, kind, shape) for name in ("image", *more_inputs)]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "tiny", inputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def mean_colour(output="features"):
    """Nodes from pictures (n, c, h, w) to their mean, (n, c)."""
    return [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], [output]),
    ]


def flat_pixels():
    """Nodes from pictures (n, c, h, w) to their pixels, (n, c h w)."""
    return [helper.make_node("Flatten", ["image"], ["features"])]


@pytest.fixture
def images():
    """Seven pictures of 4x4, red 0 to 6, green 100, blue 200."""
    pixels = np.zeros((7, 4, 4, 3), np.uint8)
    pixels[..., 0] = np.arange(7)[:, None, None]
    pixels[..., 1:] = 100, 200
    return pixels


def expected_means():
    return np.stack([np.arange(7), np.full(7, 100), np.full(7, 200)], axis=1) / 255


@pytest.mark.parametrize("batch", ["n", 1, 3], ids=str)
def test_a_network_for_floats_gets_values_from_0_to_1_in_batches_that_it_takes(tmp_path, images, batch):
    network = FeatureNetwork(write_network(tmp_path / "mean-colour.onnx", [batch, 3, 4, 4], mean_colour()))
    assert network.name == "mean_colour"
    features = network.extract(images)
    assert features.dtype == np.float64
    np.testing.assert_allclose(features, expected_means(), rtol=1e-6)


def test_pictures_are_scaled_to_the_size_that_the_network_takes(tmp_path, images):
    network = FeatureNetwork(write_network(tmp_path / "mean.onnx", ["n", 3, 9, 9], mean_colour()))
    np.testing.assert_allclose(network.extract(images), expected_means(), rtol=1e-6)


def test_a_network_for_bytes_in_grey_gets_the_pixels_as_they_are(tmp_path, images):
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["features"], axes=[1, 2], keepdims=0),
    ]
    path = write_network(tmp_path / "grey.onnx", ["n", "h", "w", 1], nodes, kind=TensorProto.UINT8)
    np.testing.assert_allclose(FeatureNetwork(path).extract(images)[:, 0], np.rint(np.arange(300, 307) / 3))


def test_features_with_a_height_and_width_of_one_are_vectors_too(tmp_path, images):
    nodes = [helper.make_node("GlobalAveragePool", ["image"], ["features"])]
    network = FeatureNetwork(write_network(tmp_path / "pooled.onnx", ["n", 3, 4, 4], nodes))
    assert network.extract(images).shape == (7, 3)


def test_without_an_output_called_features_the_first_is_taken(tmp_path, images):
    nodes = [*mean_colour("mean"), helper.make_node("Neg", ["mean"], ["negative"])]
    path = write_network(tmp_path / "two.onnx", ["n", 3, 4, 4], nodes, outputs=("negative", "mean"))
    assert (FeatureNetwork(path).extract(images) < 0).sum() == 20


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        (["n", 48], TensorProto.FLOAT, "takes square pictures, uint8 or float32"),
        (["n", 4, 4, 2], TensorProto.FLOAT, "with c 1 or 3"),
        (["n", 3, 4, 5], TensorProto.FLOAT, "square"),
        (["n", "h", "w", "c"], TensorProto.FLOAT, r"'image', tensor\(float\) \['n', 'h', 'w', 'c'\]"),
        (["n", 3, 4, 4], TensorProto.DOUBLE, r"tensor\(double\)"),
    ],
)
def test_a_network_that_takes_no_pictures_is_refused_with_what_it_takes(tmp_path, shape, kind, words):
    nodes = [helper.make_node("Cast", ["image"], ["features"], to=TensorProto.FLOAT)]
    with pytest.raises(EvaluationError, match=words):
        FeatureNetwork(write_network(tmp_path / "odd.onnx", shape, nodes, kind=kind))


def test_a_network_with_two_inputs_is_refused(tmp_path):
    nodes = [helper.make_node("Add", ["image", "mask"], ["features"])]
    path = write_network(tmp_path / "two.onnx", ["n", 3, 4, 4], nodes, more_inputs=("mask",))
    with pytest.raises(EvaluationError, match=r"2 inputs \(image, mask\)"):
        FeatureNetwork(path)


def test_an_output_that_is_no_vector_is_refused_with_its_shape(tmp_path, images):
    nodes = [helper.make_node("Relu", ["image"], ["map"])]
    network = FeatureNetwork(write_network(tmp_path / "map.onnx", ["n", 3, 4, 4], nodes, outputs=("map",)))
    with pytest.raises(EvaluationError, match=r"'map' of .* \(7, 3, 4, 4\).* Name the right output"):
        network.extract(images)


def test_features_that_are_no_numbers_are_refused(tmp_path, images):
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("Sub", ["mean", "mean"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["features"]),
    ]
    network = FeatureNetwork(write_network(tmp_path / "nan.onnx", ["n", 3, 4, 4], nodes))
    with pytest.raises(EvaluationError, match="no numbers"):
        network.extract(images)


def test_a_network_that_fails_on_the_pictures_is_named(tmp_path, images):
    nodes = [helper.make_node("Reshape", ["image", "size"], ["features"])]
    size = helper.make_tensor("size", TensorProto.INT64, [2], [5, 5])
    path = write_network(tmp_path / "broken.onnx", ["n", 3, 4, 4], nodes)
    model = onnx.load(path)
    model.graph.initializer.append(size)
    onnx.save(model, path)
    with pytest.raises(EvaluationError, match=r"broken\.onnx cannot be run on pictures \(7, 3, 4, 4\)"):
        FeatureNetwork(path).extract(images)


def test_a_network_is_looked_through_as_imports_are(tmp_path, monkeypatch):
    huge = helper.make_tensor("huge", TensorProto.INT64, [1], [2**33])
    bomb = [
        helper.make_node("ConstantOfShape", ["huge"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Add", ["pooled", "zero"], ["features"]),
    ]
    following = [
        helper.make_node("ReduceMax", ["image"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["count"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["count", "one"], ["huge"]),
        *bomb,
    ]
    custom = [helper.make_node("Mine", ["image"], ["features"], domain="of.mine")]
    monkeypatch.setattr("foundation.graphs.trial.MAX_BYTES", 2**30)
    for name, nodes, constants, words in (
        ("bomb", bomb, [huge], r"bomb\.onnx is not .* would take"),
        ("following", following, [helper.make_tensor("one", TensorProto.INT64, [1], [1])], "follows the num"),
        ("custom", custom, [], "custom operator of.mine::Mine"),
    ):
        path = write_network(tmp_path / f"{name}.onnx", ["n", 3, 8, 8], nodes)
        model = onnx.load(path)
        model.graph.initializer.extend(constants)
        model.opset_import.extend([helper.make_opsetid("of.mine", 1)] if name == "custom" else [])
        onnx.save(model, path)
        with pytest.raises(EvaluationError, match=words):
            FeatureNetwork(path)


def test_weights_beside_a_network_are_read_with_it(tmp_path, images):
    nodes = [*mean_colour("mean"), helper.make_node("MatMul", ["mean", "weights"], ["features"])]
    path = write_network(tmp_path / "beside.onnx", ["n", 3, 4, 4], nodes)
    model = onnx.load(path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(2 * np.eye(3, dtype=np.float32), "weights"))
    onnx.save(model, path, save_as_external_data=True, location="beside.data", size_threshold=0)
    np.testing.assert_allclose(FeatureNetwork(path).extract(images), 2 * expected_means(), rtol=1e-6)


def test_a_file_that_is_missing_or_no_network_is_named(tmp_path):
    with pytest.raises(EvaluationError, match=r"There is no feature network .*none\.onnx"):
        FeatureNetwork(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_bytes(b"no graph")
    with pytest.raises(EvaluationError, match=r"text\.onnx is not a network"):
        FeatureNetwork(tmp_path / "text.onnx")

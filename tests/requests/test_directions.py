"""Directions: found in the graph, published with the model, asked for by number or name."""

import io

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from foundation.errors import ReleaseRefused
from foundation.store import FolderStore
from ganymede.command import app
from service.requests.directions import read_directions
from service.requests.factorisation import METHODS, find_directions
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model

SINGULAR = np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25]) / 40  # so small that tanh bends them little


def known_layer() -> tuple[np.ndarray, np.ndarray]:
    """Weights (6, 64) with known singular values, and the directions (6, 6) that they answer to."""
    random = np.random.default_rng(7)
    left = np.linalg.qr(random.standard_normal((6, 6)))[0]
    right = np.linalg.qr(random.standard_normal((64, 6)))[0]
    return (left * SINGULAR @ right.T).astype(np.float32), left.T


def graph_of(kind: str) -> bytes:
    """A graph whose first layer has the known weights, in the ways in which generators begin."""
    weights, _ = known_layer()
    classes = np.random.default_rng(8).standard_normal((3, 64)).astype(np.float32) / 40
    tensors = {"weights": weights, "column": np.array([-1, 6, 1, 1])}
    read = "latent"
    nodes = []
    if kind == "latent with label":
        nodes.append(helper.make_node("Concat", ["latent", "label"], ["both"], axis=1))
        read, tensors["weights"] = "both", np.concatenate([weights, classes])
    if kind == "label with latent":
        nodes.append(helper.make_node("Concat", ["label", "latent"], ["both"], axis=1))
        read, tensors["weights"] = "both", np.concatenate([classes, weights])
    if kind == "modulated":  # a small layer first, for features further on
        nodes.append(helper.make_node("MatMul", ["latent", "bends"], ["bend"]))
        tensors["bends"] = np.random.default_rng(9).standard_normal((6, 4)).astype(np.float32)
    if kind == "transposed convolution":
        nodes.append(helper.make_node("Reshape", ["latent", "column"], ["reshaped"]))
        tensors["weights"] = weights.reshape(6, 16, 2, 2)
        nodes.append(helper.make_node("ConvTranspose", ["reshaped", "weights"], ["answer"]))
    elif kind == "bent before":
        nodes.append(helper.make_node("Tanh", ["latent"], ["bent"]))
        nodes.append(helper.make_node("MatMul", ["bent", "weights"], ["answer"]))
    else:
        nodes.append(helper.make_node("MatMul", [read, "weights"], ["answer"]))
    nodes.append(helper.make_node("Tanh", ["answer"], ["image"]))
    inputs = [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", 6])]
    if "label" in kind:
        inputs.append(helper.make_tensor_value_info("label", TensorProto.FLOAT, ["batch", 3]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, None)
    kept = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "head", inputs, [image], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """Manifests of a model without classes and of one with three."""
    root = tmp_path_factory.mktemp("manifests")
    return {
        classes: publish_tiny_model(root, TinyModel(name=f"with-{len(classes)}", classes=classes))
        for classes in ((), ("a", "b", "c"))
    }


@pytest.mark.parametrize(
    "kind", ["dense", "latent with label", "label with latent", "transposed convolution", "modulated"]
)
@pytest.mark.parametrize("method", METHODS)
def test_the_directions_are_those_that_the_first_layer_answers_to_most(kind, method, manifests):
    manifest = manifests["a", "b", "c"] if "label" in kind else manifests[()]
    found = find_directions(graph_of(kind), manifest, 3, method)
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    closeness = np.abs((found.vectors * known_layer()[1][:3]).sum(axis=1))
    if method == "sefa":
        assert found.strengths == pytest.approx(SINGULAR[:3], rel=1e-4)
        assert closeness == pytest.approx(1, abs=1e-5)
    else:  # sampled
        assert found.strengths == pytest.approx(SINGULAR[:3], rel=0.1)
        assert closeness == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_a_graph_that_bends_the_latent_before_any_layer_has_no_directions(method, manifests):
    with pytest.raises(ReleaseRefused, match="dense or convolutional layer"):
        find_directions(graph_of("bent before"), manifests[()], 2, method)


@pytest.fixture(scope="module")
def steered(tmp_path_factory):
    """A server on a model that has directions in v2, and the store."""
    root = tmp_path_factory.mktemp("directions")
    publish_tiny_model(root, TinyModel(name="colour", channels=3, classes=("a", "b"), weight_seed=3))
    command = ["directions", "colour", "--count", "3", "--names", "brightness", "--promote", "production"]
    result = CliRunner().invoke(app, [*command, "--models", str(root)])
    assert result.exit_code == 0, result.output
    with run_server(root, tmp_path_factory.mktemp("server")) as server:
        yield server, FolderStore(root)


def pixels(server, **fields) -> np.ndarray:
    answer = httpx.post(f"{server.url}/generate", json={**fields, "format": "npy"})
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content))


def test_a_new_version_has_the_directions_and_a_strip_of_each(steered):
    _, store = steered
    manifest = store.manifest("colour", "v2")
    assert read_directions(store, manifest).names == ("brightness", "1", "2")
    assert store.read(manifest, "direction-02.png").startswith(b"\x89PNG")
    assert manifest.golden == store.manifest("colour", "v1").golden


@pytest.mark.parametrize("classes", [(), ("a", "b")], ids=["unconditional", "conditional"])
def test_the_command_finds_them_by_principal_components_too(classes, tmp_path):
    publish_tiny_model(tmp_path, TinyModel(classes=classes))
    command = ["directions", "grey", "--method", "pca", "--count", "2", "--models", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    store = FolderStore(tmp_path)
    found = read_directions(store, store.manifest("grey", "v2"))
    assert found.vectors.shape == (2, 6)
    assert found.strengths[0] >= found.strengths[1] > 0


def test_the_command_refuses_a_method_that_there_is_not(tmp_path):
    publish_tiny_model(tmp_path, TinyModel())
    result = CliRunner().invoke(app, ["directions", "grey", "--method", "ica", "--models", str(tmp_path)])
    assert result.exit_code != 0
    assert FolderStore(tmp_path).versions("grey") == ["v1"]


def test_a_direction_moves_the_latent_by_number_and_by_name(steered):
    server, store = steered
    vector = read_directions(store, store.manifest("colour", "v2")).vectors[0].astype(np.float64)
    latent = np.full(6, 0.25)
    moved = (latent.astype(np.float32) + 2.5 * vector).astype(np.float32).tolist()
    exact = pixels(server, latents=[moved], label="a")
    for name in ("0", "brightness"):
        steered_images = pixels(server, latents=[latent.tolist()], label="a", directions={name: 2.5})
        assert np.array_equal(steered_images, exact)
    still = pixels(server, latents=[latent.tolist()], label="a", directions={"1": 0})
    assert not np.array_equal(still, exact)


def test_a_walk_is_moved_along_directions_as_its_key_pictures_are(steered):
    server, _ = steered
    fields = {"seeds": [3, 8], "label": "a", "truncation": 0.5, "directions": {"brightness": 2.5, "1": -1}}
    walk = {**fields, "frames": 5, "format": "npy"}
    answers = [
        httpx.post(f"{server.url}/latent-walk", json=order) for order in (walk, {**walk, "directions": {}})
    ]
    frames, plain = (np.load(io.BytesIO(answer.content)) for answer in answers)
    assert np.array_equal(frames[[0, -1]], pixels(server, **fields))
    assert not np.array_equal(frames, plain)
    assert answers[0].headers["etag"] != answers[1].headers["etag"]
    wrong = httpx.post(f"{server.url}/latent-walk", json={**walk, "directions": {"height": 1}})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "directions.height")
    png = httpx.post(f"{server.url}/latent-walk", json={**walk, "format": "png"}).content
    assert b"&quot;brightness&quot;: 2.5" in png or b'"brightness": 2.5' in png


@pytest.mark.parametrize(
    ("model", "name"),
    [("colour", "7"), ("colour", "height"), ("colour", "9" * 5000), ("colour@v1", "0")],
    ids=["number", "name", "long number", "none"],
)
def test_a_direction_that_is_not_there_is_refused(steered, model, name):
    answer = httpx.post(f"{steered[0].url}/generate", json={"model": model, "directions": {name: 1}})
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("directions")


def test_the_names_of_directions_stand_with_their_version(steered):
    server, _ = steered
    assert httpx.post(f"{server.url}/generate", json={"model": "colour"}).status_code == 200
    told = {
        version: httpx.get(f"{server.url}/models/colour/versions/{version}").json()["directions"]
        for version in ("v1", "v2")
    }
    assert told == {"v1": None, "v2": ["brightness", "1", "2"]}


def test_more_directions_than_any_release_has_are_refused(steered):
    many = {str(index): 1 for index in range(300)}
    answer = httpx.post(f"{steered[0].url}/generate", json={"directions": many})
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("directions")

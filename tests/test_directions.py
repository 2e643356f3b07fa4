"""Directions: found in the graph, published with the model, asked for by number or name."""

import io

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from ganymede.command import app
from service.directions import read_directions
from service.errors import ReleaseRefused
from service.factorisation import find_directions
from service.store import FolderStore
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph


def test_the_directions_are_those_that_the_first_layer_answers_to_most():
    found = find_directions(tiny_graph(TinyModel(weight_seed=4)), 6, 6)
    weights = np.random.default_rng(4).standard_normal((6, 64)).astype(np.float32)
    left, singular, _ = np.linalg.svd(weights.T.astype(np.float64).T, full_matrices=False)
    assert found.strengths == pytest.approx(singular, rel=1e-5)
    assert np.abs((found.vectors * left.T).sum(axis=1)) == pytest.approx(1, abs=1e-5)
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(6), abs=1e-5)


def test_a_graph_without_a_dense_layer_has_no_directions():
    graph = tiny_graph(TinyModel()).replace(b"from_latent", b"from_latent").replace(b"MatMul", b"MatMal")
    with pytest.raises(ReleaseRefused, match="dense layer"):
        find_directions(graph, 6, 2)


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


@pytest.mark.parametrize(("model", "name"), [("colour", "7"), ("colour", "height"), ("colour@v1", "0")])
def test_a_direction_that_is_not_there_is_refused(steered, model, name):
    answer = httpx.post(f"{steered[0].url}/generate", json={"model": model, "directions": {name: 1}})
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("directions")

"""The last that a projection asks is the distance alone, by half of the gradient's graph."""

import numpy as np
import onnx
import pytest

from foundation.graphs.distance import extract_distance
from foundation.projection import GRADIENT_GRAPH
from service.engine.devices import cpu_device
from service.engine.projector import Feeds, ProjectionGraph
from service.engine.run_limit import RunLimit
from service.releases.distances import open_distance
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_weights
from tests.tiny_projections import gradient_graph

KINDS = TinyModel(name="kinds", classes=("circle", "square", "star"))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return publish_tiny_model(tmp_path_factory.mktemp("models"), KINDS)


def asked(rows: int = 3) -> Feeds:
    random = np.random.default_rng(3)
    shapes = {"latents": (6,), "labels": (3,), "pictures": (8, 8, 1)}
    return Feeds(
        {name: random.uniform(size=(rows, *shape)).astype(np.float32) for name, shape in shapes.items()}
    )


def open_both(manifest, content: bytes, monkeypatch=None, half: bytes | None = None):
    device = cpu_device(1)
    gradient = ProjectionGraph(manifest, GRADIENT_GRAPH, content, device)
    gradient.least_rows = 2
    if monkeypatch is not None:
        monkeypatch.setattr("service.releases.distances.extract_distance", lambda _: half)
    return gradient, open_distance(manifest, content, gradient, asked(), device, RunLimit(60.0))


def test_half_of_the_graph_says_the_same_distances_without_the_way_back(manifest):
    content = gradient_graph(KINDS, *tiny_weights(KINDS))
    gradient, distance = open_both(manifest, content)
    assert distance is not gradient
    assert distance.least_rows == gradient.least_rows
    feeds = asked(5).arrays
    assert distance.answer(feeds).shape == (5, 1)
    np.testing.assert_array_equal(distance.answer(feeds)[:, 0], gradient.answer(feeds)[:, -1])
    whole, half = (onnx.load_model_from_string(graph) for graph in (content, extract_distance(content)))
    assert len(half.graph.node) < len(whole.graph.node)
    assert "back" not in {weights.name for weights in half.graph.initializer}


def test_a_half_that_says_anything_else_is_not_asked(manifest, monkeypatch):
    content = gradient_graph(KINDS, *tiny_weights(KINDS))
    other = TinyModel(name="kinds", classes=KINDS.classes, weight_seed=1)
    wrong = extract_distance(gradient_graph(other, *tiny_weights(other)))
    gradient, distance = open_both(manifest, content, monkeypatch, wrong)
    assert distance is gradient


def test_a_large_graph_is_in_memory_once(manifest, monkeypatch):
    monkeypatch.setattr("service.releases.distances.MAX_DIVIDED_BYTES", 1000)
    gradient, distance = open_both(manifest, gradient_graph(KINDS, *tiny_weights(KINDS)))
    assert distance is gradient


def test_a_graph_that_cannot_be_divided_is_asked_as_a_whole(manifest):
    model = onnx.load_model_from_string(gradient_graph(KINDS, *tiny_weights(KINDS)))
    model.graph.quantization_annotation.add(tensor_name="total")
    gradient, distance = open_both(manifest, model.SerializeToString())
    assert distance is gradient

"""Training on the grid: the exact graph learns to draw what the float one does, and stays exact."""

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import numpy_helper

from foundation.grid.calibration import run_to
from foundation.grid.price import draw
from foundation.grid.proof import prove_exact
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.weights import round_to
from tests.exact.graphs import LABEL, LATENT, conditional, feeds_of, interpolated, place_small
from tests.exact.integers import draw_integers
from training.errors import ExportError
from training.grid.tuning import _find_end, run_levels, tune


def squared(floats, exact):
    feeds = feeds_of(floats, 256)
    return float(np.mean((draw(floats, feeds).astype(float) - draw(exact, feeds)) ** 2))


def weaken(model):
    """The graph with the weights of its first convolution a tenth smaller, on the same grid."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    name = next(node.input[1] for node in copy.graph.node if node.op_type == "Conv")
    tensor = next(each for each in copy.graph.initializer if each.name == name)
    weights = numpy_helper.to_array(tensor).astype(np.float64)
    bits = count_fraction_bits(weights).max((1, 2, 3))
    smaller = round_to(weights * 0.9, bits).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(smaller, name))
    return copy


def test_a_graph_learns_on_its_grid_and_stays_exact():
    floats = conditional()
    placed = place_small(floats)
    weak = type(placed)(weaken(placed.model), placed.proof, placed.limits, placed.folded)
    losses = []
    tuned = tune(
        weak,
        LATENT,
        LABEL,
        steps=60,
        batch_images=32,
        learning_rate=0.3,
        shown=lambda _, loss: losses.append(loss),
    )
    assert len(losses) == 60
    assert prove_exact(tuned).worst <= 1
    assert squared(floats, tuned) < 0.8 * squared(floats, weak.model)
    feeds = feeds_of(floats, 64)
    assert np.array_equal(draw(tuned, feeds), draw_integers(tuned.SerializeToString(), feeds))


def test_training_on_the_grid_ends_in_time():
    placed = place_small(conditional())
    losses = []
    tuned = tune(placed, LATENT, LABEL, steps=9, limit_s=0, shown=lambda _, loss: losses.append(loss))
    assert not losses
    feeds = feeds_of(tuned, 16)
    assert np.array_equal(draw(tuned, feeds), draw(placed.model, feeds))


def test_what_cannot_be_trained_is_named():
    placed = place_small(conditional())

    def forget(model):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        next(node for node in copy.graph.node if node.op_type == "LeakyRelu").op_type = "Selu"
        return copy

    broken = type(placed)(placed.model, placed.proof, placed.limits, forget(placed.folded))
    with pytest.raises(ExportError, match=r"Selu .*cannot be trained on the grid"):
        tune(broken, LATENT, LABEL, steps=1)


def test_what_is_trained_draws_what_onnx_runtime_does():
    """Means, copies and a division by alpha among it: the levels are those before colours are divided."""
    placed = place_small(interpolated())
    floats, graph = Graph(placed.folded), Graph(placed.model)
    feeds = feeds_of(interpolated(), 16)
    end = _find_end(graph, floats)
    given = {name: tf.constant(values) for name, values in feeds.items()}
    (levels,) = [node.output[0] for node in floats.nodes if node.input[0] == end]
    for each, model in ((floats, placed.folded), (graph, placed.model)):
        drawn = run_levels(each, {}, given, end).numpy()
        expected = np.concatenate([*run_to(model, levels, feeds)]).reshape(16, -1)
        assert np.abs(np.rint(drawn) - np.clip(expected, 0, 255)).max() <= (each is floats)

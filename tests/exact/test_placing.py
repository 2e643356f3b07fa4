"""What is decided of a grid: that its bits are used, and that nothing is rounded twice or to one side."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from foundation.grid import placing
from foundation.grid.calibration import measure_ranges
from foundation.grid.demands import NotPlaceable
from foundation.grid.extents import LIMIT
from foundation.grid.linear import read_linear
from foundation.grid.parting import ReadInTwoUnits, part
from foundation.grid.price import compare, draw, place_priced
from foundation.grid.proof import prove_exact
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.walk import Walk
from foundation.grid.weights import choose_grid
from tests.exact.graphs import (
    LATENT,
    Writer,
    conditional,
    feeds_of,
    interpolated,
    place_small,
    residual,
    unconditional,
)


@pytest.fixture(scope="module")
def placed():
    return place_small(conditional()).model


def walked(model):
    walk = Walk(Graph(model))
    for node in model.graph.node:
        walk.take(node)
    return walk


def kinds(model, kind):
    return [node for node in model.graph.node if node.op_type == kind]


def last_sum(model):
    """Of all channels the most steps of the grid that the last layer's sum may reach, as a share of 2²⁴."""
    walk = walked(model)
    name = kinds(model, "Conv")[-1].output[0]
    return float(walk.extents[name].steps.max() / LIMIT)


@pytest.mark.parametrize("floats", [conditional(), residual()], ids=["conditional", "residual"])
def test_the_last_sums_are_filled_up_to_what_float32_holds(floats, monkeypatch):
    filled = last_sum(place_small(floats).model)
    monkeypatch.setattr(placing, "fill_end", lambda graph, ranges, end, shares: end)
    assert filled > 0.85
    assert filled >= last_sum(place_small(floats).model)


def test_the_unit_of_a_layer_is_chosen_so_that_its_sums_are_filled(placed):
    walk = walked(placed)
    for node in kinds(placed, "Conv"):
        steps = walk.extents[node.output[0]].steps
        assert np.median(steps.max((0, 2, 3))) > 0.5 * LIMIT, node.name


def test_a_slope_of_a_fifth_is_kept_to_the_last_digit_by_turning_what_comes_round(placed):
    slopes = [helper.get_attribute_value(node.attribute[0]) for node in kinds(placed, "LeakyRelu")]
    assert slopes == [5.0, 5.0]


def with_slope(slope):
    model = conditional()
    for node in kinds(model, "LeakyRelu"):
        node.attribute[0].CopyFrom(helper.make_attribute("alpha", slope))
    return model


def test_another_slope_becomes_the_nearest_of_256_parts():
    slopes = kinds(place_small(with_slope(0.3)).model, "LeakyRelu")
    assert {helper.get_attribute_value(node.attribute[0]) for node in slopes} == {77 / 256}


def test_what_is_read_elsewhere_too_is_not_turned_round():
    """A trunk that branches are added to has one sign for all that read it."""
    write = Writer(seed=3)
    rows = write.add("MatMul", "latent", write.weights(6, 8 * 3 * 3))
    trunk = write.add("Reshape", rows, write.constant(np.array([-1, 8, 3, 3])))
    options = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    for _ in range(2):
        branch = write.add(
            "Conv", write.add("LeakyRelu", trunk, alpha=0.2), write.weights(8, 8, 3, 3), **options
        )
        trunk = write.add("Add", trunk, branch)
    last = write.add("Conv", write.add("LeakyRelu", trunk, alpha=0.2), write.weights(3, 8, 3, 3), **options)
    floats = write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (3, 3, 3), label=False)
    model = place_small(floats).model
    prove_exact(model)
    feeds = feeds_of(floats, 64)
    apart = draw(model, feeds).astype(float) - draw(floats, feeds)
    assert np.abs(apart).mean() < 1.5


def test_pictures_are_rounded_to_neither_side():
    """The last grid lies between the whole numbers; without the half that is taken away before it is rounded
    all pictures would be brighter by half of a step, a fifth of a level."""
    floats = residual()
    feeds = feeds_of(floats, 512)
    apart = draw(place_small(floats).model, feeds).astype(float) - draw(floats, feeds)
    assert abs(apart.mean()) < 0.06


def test_ranges_are_wider_than_what_was_seen_on_either_side():
    """Of what is never near zero too: 1.4 times the least would lie above it."""
    model = conditional()
    scale = kinds(model, "MatMul")[1]
    weights = next(each for each in model.graph.initializer if each.name == scale.input[1])
    values = numpy_helper.to_array(weights) * 0.01
    values[6:] += 1  # the labels' rows: every scale lies about one
    weights.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weights.name))
    feeds = feeds_of(model, 32)
    ranges = measure_ranges(model, feeds)[scale.output[0]]
    seen = np.concatenate([feeds["latent"], feeds["label"]], 1) @ values
    assert (seen.min(0) > 0.5).all()
    assert (ranges.low[0] < seen.min(0)).all()
    assert (ranges.high[0] > seen.max(0)).all()


def test_channels_that_are_added_afterwards_have_one_grid():
    write = Writer(seed=2)
    node = helper.make_node("Conv", ["x", write.weights(4, 3, 1, 1)], ["y"], kernel_shape=[1, 1])
    weights = numpy_helper.to_array(write.tensors[0]) * np.array([1, 8, 64, 512]).reshape(4, 1, 1, 1)
    linear = read_linear(node, {"constant0": weights.astype(np.float32)})
    ends = -np.full(3, 100.0), np.full(3, 100.0)
    apart = choose_grid(linear, linear.weights, None, *ends, LIMIT)
    joined = choose_grid(linear, linear.weights, None, *ends, LIMIT, joined=True)
    assert len(set(apart)) > 1
    assert set(joined) == {min(apart)}


def summed():
    """As `few_channels` exports: a layer of one answer in parts, which are added."""
    write = Writer(seed=4)
    rows = write.add("MatMul", "latent", write.weights(6, 8 * 4 * 4))
    leaky = write.add("Relu", write.add("Reshape", rows, write.constant(np.array([-1, 8, 4, 4]))))
    parts = write.add("Conv", leaky, write.weights(4, 8, 1, 1), kernel_shape=[1, 1], pads=[0, 0, 0, 0])
    last = write.add("ReduceSum", parts, write.constant(np.array([1])), keepdims=1)
    return write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (4, 4, 1), label=False)


def test_the_parts_of_a_sum_lie_on_one_grid_and_fill_it_together():
    model = place_small(summed()).model
    (node,) = kinds(model, "Conv")
    weights = Graph(model).constants[node.input[1]]
    grids = [count_fraction_bits(channel).max() for channel in weights]
    assert max(grids) - min(grids) <= 1  # the finest place of a channel may happen to be even
    steps = walked(model).extents[kinds(model, "ReduceSum")[0].output[0]].steps
    assert 0.85 * LIMIT < steps.max() <= LIMIT
    feeds = feeds_of(summed(), 256)
    apart = draw(model, feeds).astype(float) - draw(summed(), feeds)
    assert abs(apart.mean()) < 0.06  # the half step is taken away before the planes are turned


def test_making_products_one_and_bounds_a_part_of_layers_changes_no_number(placed, monkeypatch):
    feeds = feeds_of(placed, 64)
    monkeypatch.setattr(placing, "merge", lambda model, limits: (model, limits))
    monkeypatch.setattr(placing, "trim", lambda model: model)
    plain = place_small(conditional()).model
    assert len(kinds(plain, "MatMul")) == 3
    assert len(kinds(placed, "MatMul")) == 2  # the first layer, and all scales and shifts
    assert len(placed.graph.node) < len(plain.graph.node) - 5
    graph = Graph(placed)
    inner = kinds(placed, "Conv")[:-1]
    assert all(graph.readers[node.output[0]][0].op_type == "Clip" for node in inner)
    assert np.array_equal(draw(placed, feeds), draw(plain, feeds))


def test_products_with_a_summand_become_one_too_and_no_number_changes(monkeypatch):
    """Of generators without classes, whose scales and shifts have one row for all pictures."""
    floats = unconditional(trained=True)
    merged = place_small(floats).model
    monkeypatch.setattr(placing, "merge", lambda model, limits: (model, limits))
    plain = place_small(floats).model
    assert (len(kinds(merged, "Gemm")), len(kinds(plain, "Gemm"))) == (1, 2)
    feeds = feeds_of(floats, 64)
    assert np.array_equal(draw(merged, feeds), draw(plain, feeds))
    assert compare(floats, merged, feeds).mean_levels < 1.5


def test_what_two_normalisations_share_is_computed_for_each_in_its_own_unit():
    floats = unconditional()
    assert len(kinds(floats, "MatMul")) == 2
    assert len(kinds(place_small(floats).model, "MatMul")) == 3


def test_a_convolution_that_is_read_in_two_units_is_not_computed_twice():
    write = Writer(seed=2)
    rows = write.add("Reshape", "latent", write.constant(np.array([-1, 6, 1, 1])))
    shared = write.add("Conv", rows, write.weights(6, 6, 1, 1), kernel_shape=[1, 1])
    model = write.end(shared, (6, 1, 1), label=False)
    with pytest.raises(ReadInTwoUnits, match=r"what reads conv\d_0 needs it in several units"):
        part(model, ReadInTwoUnits(shared))


def test_copies_that_are_laid_side_by_side_become_one_resize_and_no_number_changes(monkeypatch):
    found = place_small(interpolated()).model
    monkeypatch.setattr(placing, "write_resizes", lambda model: model)
    plain = place_small(interpolated()).model
    assert not kinds(plain, "Resize")
    assert (len(kinds(plain, "Concat")), len(kinds(found, "Concat"))) == (3, 2)
    assert len(found.graph.node) == len(plain.graph.node) - 5  # of six movers one is left
    (node,) = kinds(found, "Resize")
    assert Graph(found).readers[node.output[0]][0].op_type == "AveragePool"
    feeds = feeds_of(plain, 512)
    assert np.array_equal(draw(found, feeds), draw(plain, feeds))


def test_a_bound_that_nothing_reaches_is_left_out(placed):
    """Behind tanh no level is beyond 0 and 255."""
    curve = next(index for index, node in enumerate(placed.graph.node) if node.op_type == "Tanh")
    assert "Clip" not in {node.op_type for node in list(placed.graph.node)[curve:]}


def test_pictures_that_a_grid_would_make_others_of_are_refused():
    """Scales that are added to themselves, of which the sum's unit is not known: 47 levels."""
    writer, channels, side = Writer(5), 4, 4
    shape = writer.constant(np.array([-1, side, side, channels]))
    values = writer.add(
        "Reshape", writer.add("MatMul", "latent", writer.weights(6, side**2 * channels)), shape
    )
    style = writer.add("MatMul", "latent", writer.weights(6, 2 * channels))
    style = writer.add("Reshape", style, writer.constant(np.array([-1, 1, 1, 2 * channels])))
    scale, shift = writer.add("Split", style, outputs=2, axis=-1)
    doubled = writer.add("Add", scale, scale)
    values = writer.add("Relu", writer.add("Add", writer.add("Mul", values, doubled), shift))
    options = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    planes = writer.add("Transpose", values, perm=[0, 3, 1, 2])
    last = writer.add("Conv", planes, writer.weights(1, channels, 3, 3), **options)
    model = writer.end(writer.add("Transpose", last, perm=[0, 2, 3, 1]), (side, side, 1), label=False)
    with pytest.raises(NotPlaceable, match="levels of 255 from the float graph's on average"):
        place_priced(model, LATENT, None)


def test_a_graph_that_draws_one_level_is_refused_in_words():
    writer = Writer()
    values = writer.add("MatMul", "latent", writer.constant(np.zeros((6, 16), np.float32)))
    values = writer.add("Reshape", values, writer.constant(np.array([-1, 4, 4, 1])))
    with pytest.raises(NotPlaceable, match="one level"):
        place_small(writer.end(values, (4, 4, 1), label=False))

"""Exact generators with an exact enlarger behind: one graph, proven whole, that means what int64 says."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.grid.placing import place
from foundation.grid.price import compare, draw
from foundation.grid.proof import NotExact, prove_exact
from tests.exact.graphs import Writer, conditional, feeds_of, place_small, residual
from tests.exact.integers import draw_integers
from training.enlarger.joining import check_exact, join
from training.errors import ExportError

CONVOLUTION = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}


def enlarger(side, channels, given_channels):
    """As enlargers are: levels about their middle, layers, sub-pixels, and perhaps an alpha of their own."""
    write = Writer(seed=9)
    number = lambda value: write.constant(np.float32(value))  # noqa: E731 - a name for what is said so often
    values = write.add("Mul", write.add("Sub", "levels", number(128)), number(1 / 128))
    planes = write.add("Transpose", values, perm=[0, 3, 1, 2])
    planes = write.add("Conv", planes, write.weights(8, given_channels, 3, 3), **CONVOLUTION)
    bent = write.add("LeakyRelu", planes, alpha=0.25)
    planes = write.add("Add", planes, write.add("Conv", bent, write.weights(8, 8, 3, 3), **CONVOLUTION))
    planes = write.add("Conv", planes, write.weights(4 * channels, 8, 3, 3), **CONVOLUTION)
    rows = write.add("Transpose", planes, perm=[0, 2, 3, 1])
    parts = write.add("Reshape", rows, write.constant(np.array([-1, side, side, 2, 2, channels])))
    parts = write.add("Transpose", parts, perm=[0, 1, 3, 2, 4, 5])
    rows = write.add("Reshape", parts, write.constant(np.array([-1, 2 * side, 2 * side, channels])))
    shape = ["batch", side, side, given_channels]
    levels = helper.make_tensor_value_info("levels", TensorProto.FLOAT, shape)
    return write.end(rows, (2 * side, 2 * side, channels), label=False, inputs=[levels])


@pytest.fixture(scope="module", params=["grey", "colour", "transparent"])
def parts(request):
    """An exact generator, a float enlarger, an exact one, and the exact graph of both."""
    floats = conditional() if request.param == "grey" else residual()
    side, given = (4, 1) if request.param == "grey" else (3, 3)
    generator = place_small(floats).model
    second = enlarger(side, 4 if request.param == "transparent" else given, given)
    levels = draw(generator, feeds_of(generator, 128)).astype(np.float32)
    exact = place(second, {"levels": levels}, normal=False).model
    return generator, second, exact, join(generator, exact, 2 * side)


def test_an_enlarger_is_placed_near_to_the_float_one(parts):
    generator, floats, exact, _ = parts
    levels = draw(generator, feeds_of(generator, 64, first=500)).astype(np.float32)
    assert compare(floats, exact, {"levels": levels}).mean_levels < 1.5


def test_one_graph_draws_what_the_two_draw_one_after_the_other(parts):
    generator, _, exact, joined = parts
    feeds = feeds_of(generator, 32)
    small = draw(generator, feeds)
    assert np.array_equal(draw(joined, feeds), draw(exact, {"levels": small.astype(np.float32)}))


def test_it_is_proven_and_means_what_int64_says(parts):
    generator, _, _, joined = parts
    assert prove_exact(joined).sums > prove_exact(generator).sums
    feeds = feeds_of(generator, 16)
    assert np.array_equal(draw(joined, feeds), draw_integers(joined.SerializeToString(), feeds))


def test_a_float_enlarger_behind_an_exact_generator_is_not_exact(parts):
    generator, floats, _, _ = parts
    with pytest.raises(ExportError, match="not proven to be exact"):
        check_exact(join(generator, floats, 8))


def test_levels_that_are_not_rounded_before_they_are_added_again_are_refused(parts):
    *_, joined = parts
    broken = onnx.ModelProto()
    broken.CopyFrom(joined)
    kinds = [node.op_type for node in broken.graph.node]
    curve = next(index for index, kind in enumerate(kinds) if kind in ("Tanh", "Sigmoid"))
    for index in range(curve, kinds.index("Conv", curve)):  # the generator's rounding, and the enlarger's own
        if kinds[index] == "Round":
            broken.graph.node[index].op_type = "Identity"
    with pytest.raises(NotExact, match="is not rounded to whole levels before it is used again"):
        prove_exact(broken)


def blend(write, levels):
    """Twice as large, and linear between them."""
    planes = write.add("Transpose", levels, perm=[0, 3, 1, 2])
    scales = write.constant(np.array([1, 1, 2, 2], np.float32))
    larger = write.add("Resize", planes, "", scales, mode="linear")
    return write.add("Transpose", larger, perm=[0, 2, 3, 1])


def put_beside(write, levels):
    """A constant as one more channel."""
    constant = write.constant(np.full((1, 3, 3, 1), 0.3, np.float32))
    return write.add("Concat", levels, constant, axis=3)


@pytest.mark.parametrize(
    ("change", "says"),
    [(put_beside, "holds constants"), (blend, "interpolates")],
    ids=["a constant beside them", "blended"],
)
def test_levels_that_are_no_longer_those_that_were_drawn_are_not_taken_for_them(change, says):
    generator = place_small(residual()).model
    write = Writer(seed=4)
    planes = write.add("Transpose", change(write, "levels"), perm=[0, 3, 1, 2])
    channels = 4 if change is put_beside else 3
    weights = write.constant(np.ones((1, channels, 1, 1), np.float32) / 1024)
    rows = write.add("Transpose", write.add("Conv", planes, weights, kernel_shape=[1, 1]), perm=[0, 2, 3, 1])
    side = 3 if change is put_beside else 6
    levels = helper.make_tensor_value_info("levels", TensorProto.FLOAT, ["batch", 3, 3, 3])
    second = write.end(rows, (side, side, 1), label=False, inputs=[levels])
    with pytest.raises(NotExact, match=says):
        prove_exact(join(generator, second, side))


def test_a_graph_of_another_opset_or_end_is_refused_in_words(parts):
    generator, _, exact, _ = parts
    old = onnx.ModelProto()
    old.CopyFrom(generator)
    old.opset_import[0].version = 13
    with pytest.raises(ExportError, match="of opset 13: export it again with 17"):
        join(old, exact, 8)
    floats = onnx.ModelProto()
    floats.CopyFrom(generator)
    next(node for node in reversed(floats.graph.node) if node.op_type == "Cast").attribute[0].i = 1
    with pytest.raises(ExportError, match="does not end with a cast to uint8"):
        join(floats, exact, 8)

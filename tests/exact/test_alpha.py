"""Pictures with alpha on grids: whole levels divided, so that every machine rounds each quotient alike."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.grid import price
from foundation.grid.alpha import cut_alpha
from foundation.grid.demands import NotPlaceable
from foundation.grid.folding import fold
from foundation.grid.proof import NotExact, prove_exact
from foundation.onnx_runtime import onnxruntime
from tests.exact.graphs import Writer, interpolated, place_small


@pytest.fixture(scope="module", params=[True, False], ids=["planes", "rows"])
def cut(request):
    return cut_alpha(fold(interpolated(request.param)))


@pytest.fixture(scope="module")
def placed():
    return place_small(interpolated()).model


def altered(model, change):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    change({node.output[0]: node for node in copy.graph.node}, copy.graph)
    return copy


def divide(cut, levels):
    """What is behind the levels of an exact graph, alone."""
    given = helper.make_tensor_value_info("levels", TensorProto.FLOAT, ["batch", *levels.shape[1:]])
    last = helper.make_node("Cast", ["levels"], ["premultiplied"], to=TensorProto.UINT8)
    graph = helper.make_graph([last], "levels", [given], cut.floats.graph.output)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return onnxruntime.InferenceSession(cut.finish(model).SerializeToString()).run(None, {"levels": levels})[
        0
    ]


def test_every_colour_of_every_alpha_is_divided_as_it_is_in_whole_numbers(cut):
    """Colours of less alpha than 8 of 255 are divided by that, and of none are black."""
    colour, alpha = (each.ravel() for each in np.mgrid[:256, :256])
    planes = np.stack([colour, colour[::-1], 255 - colour, alpha]).reshape(4, 1024, 8, 8).swapaxes(0, 1)
    given = planes if cut.axis == 1 else planes.transpose(0, 2, 3, 1)
    drawn = divide(cut, given.astype(np.float32)).transpose(0, 3, 1, 2)
    under = np.maximum(planes[:, 3:], 8)
    straight = np.minimum((2 * 255 * planes[:, :3] + under) // (2 * under), 255) * (planes[:, 3:] > 0)
    assert np.array_equal(drawn, np.concatenate([straight, planes[:, 3:]], 1))


def test_what_is_cut_off_is_what_divides_by_alpha(cut):
    assert cut.least == 8
    kinds = [node.op_type for node in cut.floats.graph.node]
    assert kinds[-6:] == ["Tanh", "Add", "Mul", "Round", "Clip", "Cast"]


def multiplies(nodes, graph):
    next(node for node in graph.node if node.op_type == "Div").op_type = "Mul"


def reads_more(nodes, graph):
    round_ = next(node for node in graph.node if node.op_type == "Greater")
    graph.node.append(helper.make_node("ReduceMean", ["latent"], ["more"], keepdims=1))
    graph.node.insert(0, graph.node.pop())
    graph.node.insert(1, helper.make_node("Reshape", ["more", "more/shape"], ["more/shaped"]))
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1, 1, 1, 1]), "more/shape"))
    round_.input[1] = "more/shaped"


def rounds_down(nodes, graph):
    (last,) = [node for node in graph.node if node.op_type == "Round" and node.output[0] != "round"][-1:]
    last.op_type = "Floor"


def raises_alpha(nodes, graph):
    both = [node for node in graph.node if node.op_type == "Concat"][-1]
    graph.node.insert(
        list(graph.node).index(both), helper.make_node("Add", [both.input[1], "more/one"], ["more/alpha"])
    )
    both.input[1] = "more/alpha"
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "more/one"))


@pytest.mark.parametrize("change", [multiplies, reads_more, rounds_down, raises_alpha])
def test_an_end_that_does_something_else_is_left_alone(change):
    assert cut_alpha(altered(fold(interpolated()), change)) is None


def test_axes_that_are_reversed_are_no_pictures():
    """ONNX's Transpose without an order reverses them, that of the batch too."""

    def forget_the_order(nodes, graph):
        del [node for node in graph.node if node.op_type == "Transpose"][-1].attribute[:]

    assert cut_alpha(altered(fold(interpolated(True)), forget_the_order)).axis == 3
    write = Writer()
    rows = write.add("Transpose", write.add("Relu", write.add("Transpose", "latent")))
    rows = write.add("MatMul", rows, write.weights(6, 16))
    values = write.add("Reshape", rows, write.constant(np.array([-1, 4, 4, 1])))
    with pytest.raises(NotPlaceable, match=r"Transpose .*it reverses the axes"):
        place_small(write.end(values, (4, 4, 1), label=False))


def drop_the_middles(nodes, graph):
    nodes["alpha/moved"].op_type = "Identity"
    del nodes["alpha/moved"].input[1:]


def divide_by_nothing(nodes, graph):
    nodes["alpha/share"].input[1] = "alpha/alpha"


def divide_unrounded(nodes, graph):
    (levels,) = [node for node in graph.node if node.output[0] == nodes["alpha/colours"].input[0]]
    levels.op_type = "Identity"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop_the_middles, r"Round alpha/rounded: .*is rounded from \d+\.5, 0 from the next level"),
        (divide_by_nothing, "Div alpha/share: it divides by what may be zero"),
        (
            divide_unrounded,
            "Mul alpha/straight: more than 1,048,576 pairs of numbers may meet",
        ),
    ],
)
def test_a_division_that_machines_may_round_otherwise_is_refused(change, says, placed):
    prove_exact(placed)
    with pytest.raises(NotExact, match=says):
        prove_exact(altered(placed, change))


def averaged(size, **options):
    write = Writer(seed=8)
    rows = write.add("MatMul", "latent", write.weights(6, 8 * 6 * 6))
    planes = write.add("Relu", write.add("Reshape", rows, write.constant(np.array([-1, 8, 6, 6]))))
    mean = write.add("AveragePool", planes, kernel_shape=[size, size], strides=[size, size], **options)
    last = write.add("Conv", mean, write.weights(1, 8, 1, 1), kernel_shape=[1, 1], pads=[0, 0, 0, 0])
    side = 6 // size
    return write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (side, side, 1), label=False)


def test_a_mean_that_rounds_is_refused():
    prove_exact(place_small(averaged(2)).model)
    with pytest.raises(NotPlaceable, match=r"AveragePool .*averages so many numbers that the mean may round"):
        place_small(averaged(3))


def test_the_price_counts_colours_as_far_as_they_are_seen():
    images = np.array([[[[200, 100, 50, 0], [200, 100, 50, 51], [200, 100, 50, 255]]]], np.uint8)
    assert price._see(images)[0, 0].tolist() == [[0, 0, 0, 0], [40, 20, 10, 51], [200, 100, 50, 255]]
    assert np.array_equal(price._see(images[..., :3]), images[..., :3])

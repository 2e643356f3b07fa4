"""Graphs whose bytes depend on a machine, or on how many pictures are drawn at once: none is proven."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from foundation.grid.price import draw
from foundation.grid.proof import NotExact, prove_exact
from tests.exact.graphs import Writer, feeds_of, place_small


class Sums(Writer):
    """Whole numbers, and an end that takes them for levels."""

    def number(self, value, kind=np.float32):
        return self.constant(kind(value))

    def whole(self, low, high, name="latent"):
        return self.add("Clip", self.add("Round", name), self.number(low), self.number(high))

    def levels(self):
        """Of a curve."""
        curved = self.add("Mul", self.add("Tanh", self.whole(0, 9)), self.number(200.3))
        return self.add("Clip", self.add("Round", curved), self.number(0), self.number(255))

    def total(self, values, axes=(1,)):
        return self.add("ReduceSum", values, self.constant(np.array(axes, np.int64)), keepdims=1)

    def planes(self, values, *sides):
        return self.add("Reshape", values, self.constant(np.array([-1, *sides])))

    def finish(self, values, inputs=(("latent", 6),), kind=TensorProto.FLOAT):
        levels = self.add("Round", self.add("Mul", values, self.number(2.0**-16)))
        return self.close(self.add("Clip", levels, self.number(0), self.number(255)), inputs, kind)

    def close(self, levels, inputs=(("latent", 6),), kind=TensorProto.FLOAT):
        self.nodes.append(helper.make_node("Cast", [levels], ["image"], to=TensorProto.UINT8))
        return self.model([helper.make_tensor_value_info(name, kind, ["b", side]) for name, side in inputs])

    def model(self, inputs, kind=TensorProto.UINT8):
        image = helper.make_tensor_value_info("image", kind, None)
        graph = helper.make_graph(self.nodes, "generator", inputs, [image], self.tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def beside_a_tail(write):
    """What is no point of the curve beside what is."""
    whole = write.whole(0, 9)
    write.add("Tanh", whole)
    both = write.add("Tanh", write.add("Concat", whole, "latent", axis=1))
    return write.finish(both)


def power(write):
    whole = write.whole(0, 9)
    write.add("Tanh", whole)
    return write.finish(write.add("Pow", whole, write.number(0.3)))


def constant_on_an_edge(write):
    """Of which the curve makes a half of a level, or a little more or less."""
    edge = write.constant(np.full((1, 1), np.arctanh(0.5 / 200.3), np.float32))
    curved = write.add("Tanh", write.add("Concat", write.whole(1, 9), edge, axis=1))
    rounded = write.add("Round", write.add("Mul", curved, write.number(200.3)))
    return write.close(write.add("Clip", rounded, write.number(0), write.number(255)))


def constant_between(write):
    thirds = write.constant(np.full((1, 3), 0.3, np.float32))
    levels = write.levels()
    return write.finish(write.total(write.add("Concat", levels, thirds, levels, axis=1)))


def constant_in_one(write):
    thirds = write.constant(np.full((1, 3), 0.3, np.float32))
    levels = write.levels()
    both = write.add("Concat", write.add("Concat", levels, thirds, axis=1), levels, axis=1)
    return write.finish(write.total(both))


def sloped(slope):
    def steep(write):
        bent = write.add("LeakyRelu", write.whole(-4000, 2.0**20), alpha=slope)
        weights = write.constant(np.full((6, 4), 513 / 1024, np.float32))
        return write.finish(write.add("MatMul", bent, weights))

    return steep


def sum_of(move):
    """A sum along an axis in which pictures lie, once they are more than one."""

    def joined(write):
        return write.finish(write.total(move(write, write.whole(-(2.0**23), 2.0**23))))

    return joined


def along_the_batch(write):
    return write.finish(write.total(write.whole(-(2.0**23), 2.0**23), [0]))


def along_all(write):
    return write.finish(write.total(write.whole(-100, 100), []))


def every_two_pictures(write):
    whole = write.whole(-(2.0**20), 2.0**20)
    other = write.add("Unsqueeze", whole, write.constant(np.array([1])))
    return write.finish(write.total(write.add("Add", whole, other)))


def mean_of_nine(write):
    """A word says that nothing is padded, and so that each mean is one of nine."""
    nine = write.add("MatMul", write.whole(-99, 99), write.constant(np.ones((6, 9), np.float32)))
    options = {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 2, 2], "auto_pad": "VALID"}
    return write.finish(write.total(write.add("AveragePool", write.planes(nine, 1, 3, 3), **options), [2, 3]))


def extrapolated(write):
    region = write.constant(np.array([0, 0, 0, 0, 1, 1, 2, 2], np.float32))
    scales = write.constant(np.array([1, 1, 2, 2], np.float32))
    how = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 0.3}
    planes = write.planes(write.whole(-99, 99), 1, 2, 3)
    return write.finish(write.total(write.add("Resize", planes, region, scales, **how), [2, 3]))


def other_axes(write):
    scales = write.constant(np.array([1, 2, 1, 1], np.float32))
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "axes": [0, 2, 1, 3]}
    planes = write.planes(write.whole(-99, 99), 2, 3, 1)
    return write.finish(write.total(write.add("Resize", planes, "", scales, **how)))


def floats_behind_bytes(write):
    levels = write.add("Cast", write.add("Cast", write.levels(), to=TensorProto.UINT8), to=TensorProto.FLOAT)
    write.nodes.append(helper.make_node("Tanh", [write.add("Mul", levels, write.number(0.01))], ["image"]))
    return write.model([helper.make_tensor_value_info("latent", 1, ["b", 6])], TensorProto.FLOAT)


def counted_bytes(write):
    levels = write.add("Cast", write.levels(), to=TensorProto.UINT8)
    return write.close(write.add("Add", levels, write.number(200, np.uint8)))


def infinite(write):
    huge = write.add("Mul", write.add("Mul", write.whole(0, 9), write.number(1e38)), write.number(1e38))
    return write.finish(write.add("Mul", huge, write.number(0)))


def divided_by_nothing(write):
    return write.finish(write.add("Div", write.whole(0, 9), write.number(0)))


def halves(write):
    whole = write.add("Round", "latent")
    bounds = write.number(0, np.float16), write.number(2000, np.float16)
    total = write.total(write.add("Clip", whole, *bounds))
    return write.close(write.add("Clip", total, *bounds), kind=TensorProto.FLOAT16)


def of_any_size(write):
    both = write.add("Concat", write.whole(0, 2.0**20), write.whole(0, 2.0**20, "other"), axis=1)
    return write.finish(write.total(both), inputs=(("latent", 6), ("other", "any")))


def weights_twice(write):
    weights = write.constant(np.full((6, 4), 0.3, np.float32))
    model = write.finish(write.add("MatMul", write.whole(-99, 99), weights))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((6, 4), np.float32), weights))
    return model


def an_input_that_is_a_constant_too(write):
    model = write.finish(
        write.add("Mul", write.whole(-99, 99, "other"), "latent"), inputs=(("latent", 6),) * 1
    )
    model.graph.input.append(helper.make_tensor_value_info("other", 1, ["b", 6]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 6), np.float32), "latent"))
    return model


def sparse_weights(write):
    weights = write.constant(np.ones((6, 1), np.float32))
    model = write.finish(write.add("MatMul", write.whole(-99, 99), weights))
    values = helper.make_tensor(weights, 1, [6], np.full(6, 0.3, np.float32))
    places = helper.make_tensor("places", 7, [6], range(6))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [6, 1]))
    return model


def weights_elsewhere(write):
    model = write.finish(
        write.add("MatMul", write.whole(-99, 99), write.constant(np.ones((6, 1), np.float32)))
    )
    model.graph.initializer[-2].data_location = TensorProto.EXTERNAL
    return model


def weights_cut_short(write):
    model = weights_elsewhere(write)
    model.graph.initializer[-2].data_location = TensorProto.DEFAULT
    model.graph.initializer[-2].raw_data = b"short"
    return model


def chance(write):
    drawn = write.add("RandomNormal", shape=[1, 6])
    return write.finish(write.add("Add", write.whole(0, 9), drawn))


def bias_by_picture(write):
    bias = write.constant(np.array([[0]] * 5 + [[2.0**24]], np.float32))
    eye = write.constant(np.eye(6, dtype=np.float32))
    return write.finish(write.add("Gemm", write.whole(-99, 99), eye, bias))


def deep(write):
    values, tenth = write.levels(), write.number(0.1)
    for _ in range(1500):
        values = write.add("Add", values, tenth)
    return write.finish(write.total(values))


def vast(write):
    one = write.planes(write.whole(0, 9), 6, 1, 1)
    many = write.add("Concat", *[one] * 3000, axis=1)
    both = write.add("Add", many, write.planes(many, 1, 18000, 1))
    return write.finish(write.total(both))


AXIS = "it moves or joins the axis along which pictures lie"
UNSOUND = {
    beside_a_tail: "not rounded to a grid|no power of two|not proven",
    power: "Pow .*not proven",
    constant_on_an_edge: "rounded from 0.5",
    constant_between: "holds constants",
    constant_in_one: "holds constants",
    sloped(0.0): "MatMul .*may reach",
    sloped(1024.0): "MatMul .*may reach",
    sum_of(lambda write, whole: write.add("Reshape", whole, write.constant(np.array([1, -1, 6])))): AXIS,
    sum_of(lambda write, whole: write.add("Unsqueeze", whole, write.constant(np.array([0])))): AXIS,
    sum_of(lambda write, whole: write.add("Unsqueeze", whole, write.constant(np.array([-3])))): AXIS,
    sum_of(lambda write, whole: write.add("Squeeze", whole)): AXIS,
    sum_of(lambda write, whole: write.add("Transpose", whole, perm=[1, 0])): AXIS,
    sum_of(lambda write, whole: write.add("Flatten", whole, axis=0)): AXIS,
    sum_of(lambda write, whole: write.add("Concat", whole, whole, axis=-2)): AXIS,
    sum_of(
        lambda write, whole: write.add("Add", whole, write.constant(np.ones((1, 1, 1), np.float32)))
    ): AXIS,
    sum_of(
        lambda write, whole: write.add("Pad", whole, write.constant(np.array([1, 0, 0, 0])))
    ): "repeats pictures",
    along_the_batch: AXIS,
    along_all: AXIS,
    every_two_pictures: AXIS,
    mean_of_nine: "by a word that says otherwise",
    extrapolated: "other coordinates",
    other_axes: "its attribute axes is not looked at",
    floats_behind_bytes: "not rounded to levels at the end",
    counted_bytes: "counts with bytes",
    infinite: "float32 may not hold",
    divided_by_nothing: "divides by what may be zero",
    halves: "latent is not of float32",
    of_any_size: "other has sides of no known size",
    weights_twice: "is the name of two tensors",
    an_input_that_is_a_constant_too: "latent is the name of two tensors",
    sparse_weights: "sparse weights",
    weights_elsewhere: "lies outside the graph",
    weights_cut_short: "The graph cannot be proven",
    chance: "cannot be read",
    bias_by_picture: "more than one row",
    deep: "cannot be read",
    vast: "numbers of one picture",
}


@pytest.mark.parametrize(("write", "says"), UNSOUND.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_may_round_or_mixes_pictures_is_not_proven(write, says):
    with pytest.raises(NotExact, match=says):
        prove_exact(write(Sums()))


def test_what_the_file_says_of_sizes_is_not_believed():
    """Levels that are drawn are added; the sum has as many as there are, not as many as the file says."""
    write = Sums()
    planes = write.planes(write.levels(), 2, 3)
    many = write.add("Concat", *[planes] * 18_000, axis=1)
    model = write.finish(write.total(many, [1, 2]))
    model.graph.value_info.append(helper.make_tensor_value_info(many, 1, ["b", 1, 1]))
    with pytest.raises(NotExact, match=r"may reach 2\.16e"):
        prove_exact(model)


def test_a_steep_slope_of_few_numbers_is_proven():
    write = Sums()
    bent = write.add("LeakyRelu", write.whole(-100, 100), alpha=2.0)
    prove_exact(write.finish(write.total(bent)))


def test_what_is_put_around_a_picture_behind_its_curve_is_proven_too():
    """Nothing but 0 lies around it, which every machine makes the same level."""
    write = Writer(seed=2)
    rows = write.add("Tanh", write.add("MatMul", "latent", write.weights(6, 4, scale=0.3)))
    planes = write.add("Reshape", rows, write.constant(np.array([-1, 2, 2, 1])))
    around = write.add("Pad", planes, write.constant(np.array([0, 1, 1, 0, 0, 1, 1, 0])))
    placed = place_small(write.end(around, (4, 4, 1), label=False, curve=None)).model
    pictures = draw(placed, feeds_of(placed, 8))
    assert (pictures[:, 0] == 128).all()
    assert len(np.unique(pictures[:, 1:3, 1:3])) > 8

"""Graphs by chance, walked by the proof: what it calls exact is what float64 says, within its bounds."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from foundation.grid.reading import Graph
from foundation.grid.walk import Walk
from foundation.onnx_runtime import onnxruntime
from tests.exact.test_unsound import Sums

GRAPHS, PICTURES = 300, 5
NUMBERS = (0.5, 2, 1, -1, 0.25, 3, 0.3, 1024, -0.75, 2.0**-10, 1 / 3, 0, 100)
SLOPES = (0.0, 0.25, 0.2, 2.0, 3.0, 0.5)
REFUSALS = (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, StopIteration)


class Chance(Sums):
    """Writes operators down that are drawn from a seed."""

    def __init__(self, seed):
        super().__init__(seed)
        most = self.choose(5, 100, 3000, 2.0**18, 2.0**22)
        self.found = [(self.whole(-most * self.choose(0, 1), most), [6])]
        for _ in range(self.random.integers(2, 9)):
            values, sides = self.found[-self.random.integers(1, min(3, len(self.found) + 1))]
            self.grow(values, sides)

    def choose(self, *ways):
        return ways[self.random.integers(len(ways))]

    def some(self, *shape):
        whole = self.random.integers(-9, 10, shape)
        return self.constant((whole * self.choose(*NUMBERS)).astype(np.float32))

    def grow(self, values, sides):
        kinds = (self.scale, self.bend, self.move, self.join, self.multiply, self.gather)
        grown = self.choose(*kinds)(values, sides)
        if grown is not None and np.prod(grown[1]) < 3000:
            self.found.append(grown)

    def scale(self, values, sides):
        kind, number = self.choose("Add", "Mul", "Sub", "Max", "Min"), self.number(self.choose(*NUMBERS))
        return self.add(kind, values, self.choose(number, self.some(sides[-1]))), sides

    def bend(self, values, sides):
        kind = self.choose("LeakyRelu", "Relu", "Round", "Clip", "Tanh")
        if kind == "LeakyRelu":
            return self.add(kind, values, alpha=self.choose(*SLOPES)), sides
        ends = (self.number(0), self.number(255)) if kind == "Clip" else ()
        return self.add(kind, values, *ends), sides

    def move(self, values, sides):
        order = [int(axis) for axis in self.random.permutation(len(sides))]
        if self.choose(True, False):
            perm = [0, *[axis + 1 for axis in order]]
            return self.add("Transpose", values, perm=perm), [sides[axis] for axis in order]
        count = int(np.prod(sides))
        first = self.choose(*[side for side in range(1, count + 1) if count % side == 0])
        shape = self.choose([count], [first, count // first], [first, count // first, 1])
        return self.planes(values, *shape), shape

    def join(self, values, sides):
        others = [name for name, shape in self.found if shape == sides]
        other = others[self.random.integers(len(others))]
        kind = self.choose("Concat", "Add", "Mul")
        if kind == "Concat":
            return self.add(kind, values, other, axis=-1), [*sides[:-1], 2 * sides[-1]]
        return self.add(kind, values, other), sides

    def multiply(self, values, sides):
        out = int(self.random.integers(1, 7))
        if len(sides) == 3 and self.choose(True, False):
            weights, bias = self.some(out, sides[0], 3, 3), self.some(out)
            return self.add("Conv", values, weights, bias, pads=[1] * 4), [out, *sides[1:]]
        return self.add("MatMul", values, self.some(sides[-1], out)), [*sides[:-1], out]

    def gather(self, values, sides):
        if len(sides) < 3:
            axis = int(self.random.integers(len(sides)))
            return self.total(values, [axis + 1]), [*sides[:axis], 1, *sides[axis + 1 :]]
        options = {"kernel_shape": [2, 1], "pads": [0, 0, 1, 0]}
        counted = int(self.random.integers(2))
        return self.add("AveragePool", values, count_include_pad=counted, **options), sides


def in_double(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float64), tensor.name))
    for value in (*copy.graph.input, *copy.graph.output):
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return copy


@pytest.mark.parametrize("first", [0, 1, 2])
def test_what_is_called_exact_is_on_its_grid_within_its_bounds_and_what_float64_says(first):
    looked_at = 0
    for seed in range(first * GRAPHS, (first + 1) * GRAPHS):
        write = Chance(seed)
        latent = helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["b", 6])
        model = write.model([latent])
        walk = Walk(Graph(model))
        for node in model.graph.node:
            try:
                walk.take(node)
            except REFUSALS:
                break
        called = {name: extent for name, extent in walk.extents.items() if not extent.is_any}
        del model.graph.output[:]
        for name in called:
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        random = np.random.default_rng(seed)
        latents = random.standard_normal((PICTURES, 6)) * 10.0 ** random.integers(0, 8, (PICTURES, 6))
        latents = latents.astype(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        drawn = session.run(list(called), {"latent": latents})
        wanted = ReferenceEvaluator(in_double(model)).run(None, {"latent": latents.astype(np.float64)})
        for (name, extent), floats, doubles in zip(called.items(), drawn, wanted, strict=True):
            low, high, bits = (np.concatenate([each] * PICTURES) for each in vars(extent).values())
            assert floats.shape == low.shape, (seed, name)
            assert np.array_equal(floats, doubles), (seed, name)
            assert (floats >= low).all(), (seed, name)
            assert (floats <= high).all(), (seed, name)
            steps = np.ldexp(floats.astype(np.float64), np.clip(bits, -1000, 1000))
            assert np.array_equal(steps, np.rint(steps)), (seed, name)
            looked_at += 1
    assert looked_at > 2 * GRAPHS

"""The exact graph, operator by operator, with what its numbers may be known all along."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundation.grid.linear import Linear
from foundation.grid.movement import Array
from foundation.grid.reading import Graph
from foundation.grid.refining import Refiner
from foundation.grid.walk import Walk
from foundation.grid.weights import choose_grid, round_to


class Builder:
    """Adds operators to a graph and follows what their numbers may be."""

    def __init__(self, source: onnx.ModelProto, refiner: Refiner | None = None) -> None:
        """Begin with the inputs of `source`, and no operator; `refiner`, if any, rounds the weights."""
        self.refiner = refiner
        self.model = onnx.ModelProto()
        self.model.CopyFrom(source)
        for part in (self.model.graph.node, self.model.graph.initializer, self.model.graph.value_info):
            del part[:]
        self.graph = Graph(self.model)
        self.constants: dict[str, Array] = self.graph.constants
        self.walk = Walk(self.graph)
        self.limits: dict[str, float] = {}
        """For each layer's weights the steps that no sum may pass."""

    def constant(self, name: str, values: Array) -> str:
        """Keep a constant, float32 or int64, under `name`, unless there is one of that name; the name."""
        if name not in self.constants:
            self.constants[name] = values
            self.model.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def number(self, value: float) -> str:
        """A constant that is one number."""
        return self.constant(f"number/{value!r}", np.asarray(value, np.float32))

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add an operator with one output."""
        self.copy(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def copy(self, node: onnx.NodeProto, *, follow: bool = True) -> None:
        """Add an operator as it is, and `follow` what its numbers may be."""
        self.model.graph.node.append(node)
        if follow:
            self.walk.take(node)

    def add_linear(
        self,
        node: onnx.NodeProto,
        linear: Linear,
        source: str,
        output: str,
        factors: tuple[Array, Array],
        limit: float,
        *,
        joined: bool = False,
    ) -> None:
        """Add a layer: weights times `factors`, of (in,) and of (out,), on the finest grid; its bias too.

        All channels have one grid if they are `joined`.
        """
        inward, outward = factors
        weights = linear.weights * linear.spread(inward) * outward[:, None, None]
        bias = None if linear.bias is None else linear.bias * outward
        extent = self.walk.extents[source]
        axes = tuple(each for each in range(extent.low.ndim) if each != linear.axis % extent.low.ndim)
        low, high = extent.low.min(axes), extent.high.max(axes)
        if linear.is_sum:
            weights, bits = linear.weights, np.full(len(linear.weights), 4)
        else:
            bits = choose_grid(linear, weights, bias, low, high, limit, joined=joined)
        rounded = round_to(weights, bits)
        rounded_bias = None if bias is None else round_to(bias, bits)
        if self.refiner is not None and self.refiner.can_refine(linear):
            rounded, rounded_bias, _ = self.refiner.refine(
                self.model, node, linear, source, (weights, bias), outward, (low, high), limit, joined=joined
            )
        names = [f"{output}/weights", f"{output}/bias"]
        self.limits[names[0]] = limit
        inputs = [source, self.constant(names[0], linear.store(rounded))]
        if rounded_bias is not None:
            inputs.append(self.constant(names[1], rounded_bias.astype(np.float32)))
        added = onnx.NodeProto()
        added.CopyFrom(node)
        del added.input[:], added.output[:]
        added.input.extend(inputs)
        added.output.append(output)
        added.name = output
        self.copy(added)

    def add_rounding(self, source: str, output: str, low: Array, high: Array, fraction: Array) -> None:
        """Round `source`, bound it to whole numbers, and move the point `fraction` places to the left.

        `low`, `high` and `fraction` are of each number, (1, …).
        """
        moved = bool((fraction > 0).any())
        rounded = f"{output}/rounded"
        extent = self.walk.extents[source]
        clipped = bool((np.rint(extent.low) < low).any() or (np.rint(extent.high) > high).any())
        last = output if not clipped and not moved else rounded
        name = self.add("Round", [source], last)
        if clipped:
            name = self._add_bounds(name, f"{output}/bounded" if moved else output, low, high)
        if moved:
            shift = np.ldexp(1.0, -_vector(fraction).astype(int)).astype(np.float32)
            self.add("Mul", [name, self.constant(f"{output}/shift", shift)], output)

    def _add_bounds(self, source: str, output: str, low: Array, high: Array) -> str:
        if np.ptp(low) == 0 and np.ptp(high) == 0:
            bounds = [self.number(float(low.flat[0])), self.number(float(high.flat[0]))]
            return self.add("Clip", [source, *bounds], output)
        ends = [_vector(each).astype(np.float32) for each in (low, high)]
        least = self.add("Max", [source, self.constant(f"{output}/low", ends[0])], f"{output}/least")
        return self.add("Min", [least, self.constant(f"{output}/high", ends[1])], output)


def _vector(values: Array) -> Array:
    """Without the axes along which it does not differ."""
    for axis in range(values.ndim):
        if np.all(values == np.take(values, [0], axis)):
            values = np.take(values, [0], axis)
    return values

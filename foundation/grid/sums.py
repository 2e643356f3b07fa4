"""Tensors whose numbers are added: between which bounds, and on which grid, each number of them lies.

Every number is a multiple of 2⁻ᵗ between two bounds.
"""

import numpy as np
import onnx

from foundation.grid.batches import move_apart
from foundation.grid.extents import ALONE, ANY, Extent, check_steps, extent_of, scale_any
from foundation.grid.linear import LINEAR, bound_sums, read_linear
from foundation.grid.movement import MOVERS, Array, check_size, read_attributes
from foundation.grid.pooling import average_extent
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.sides import conv_sides, transposed_sides

MAX_FRACTION_BITS = 100
"""Float32's smallest normal number is 2⁻¹²⁶."""


class Sums:
    """What the numbers of a graph's tensors may be, as far as they are known, and the sums among them."""

    def __init__(self, graph: Graph) -> None:
        """Begin at its inputs, which may be anything."""
        self.graph = graph
        self.extents: dict[str, Extent] = {
            name: Extent(np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, ANY))
            for name, shape in graph.inputs.items()
        }
        self.operators = self.channels = 0
        """Those that add, and of them the channels, each of which was looked at."""
        self.worst = 0.0
        """The greatest sum that any may reach, as a share of 2²⁴."""

    def take(self, node: onnx.NodeProto) -> None:
        """Go on behind a node whose numbers are added, multiplied or moved about.

        Raises:
            ValueError: what it does may round, or makes more numbers than are looked at.
        """
        kind, source = node.op_type, self.graph.moving(node)[0]
        if kind in MOVERS:
            self._take_mover(node)
        elif kind in LINEAR:
            self._take_linear(node)
        elif kind in ("Add", "Sub", "Mul"):
            self._take_pair(node)
        elif kind == "AveragePool":
            extent = average_extent(node, self.extents[source])
            self._check(extent.steps, 1)
            self._keep(node, extent)
        elif kind in ALONE:
            self._keep(node, ALONE[kind](node, self.extents[source], self.graph.constants))
        else:
            raise ValueError("an operator that is not proven to be exact")

    def _keep(self, node: onnx.NodeProto, extent: Extent) -> None:
        if not extent.is_any and (extent.bits > MAX_FRACTION_BITS).any():
            raise ValueError("its grid is so fine that machines may take its numbers for zero")
        check_size(extent.low.shape)
        self.extents[node.output[0]] = extent

    def _check(self, steps: Array, axis: int) -> None:
        self.worst = max(self.worst, check_steps(steps, axis))
        self.operators, self.channels = self.operators + 1, self.channels + steps.shape[axis]

    def _take_mover(self, node: onnx.NodeProto) -> None:
        extents = [
            self.extents[name] if name in self.extents else extent_of(self.graph.constants[name])
            for name in node.input
            if name
        ]
        if node.op_type != "Concat":
            if len(self.graph.moving(node)) > 1:
                raise ValueError("how it moves numbers is no constant")
            extents = extents[:1]
        lows, highs = ([getattr(each, end) for each in extents] for end in ("low", "high"))
        parts = [
            move_apart(node, arrays, self.graph.constants)
            for arrays in (lows, highs, [each.bits for each in extents])
        ]
        for name, *extent in zip(node.output, *parts, strict=True):
            self.extents[name] = Extent(*extent)

    def _take_linear(self, node: onnx.NodeProto) -> None:
        linear, given = read_linear(node, self.graph.constants), self.extents[node.input[0]]
        axes = tuple(axis for axis in range(given.low.ndim) if axis != linear.axis % given.low.ndim)
        low, high, bits = given.low.min(axes), given.high.max(axes), given.bits.max(axes)
        if given.is_any:
            raise ValueError(f"{node.input[0]} is not rounded to a grid before")
        fractions = count_fraction_bits(linear.weights) + linear.spread(bits)
        grid = np.maximum(np.where(linear.weights == 0, -1000, fractions).max((1, 2)), -1000)
        if linear.bias is not None:
            grid = np.maximum(grid, count_fraction_bits(linear.bias))
        grid = np.where(grid == -1000, 0, grid)
        least, most = bound_sums(linear, linear.weights, linear.bias, low, high)
        self._check(np.ldexp(np.maximum(-least, most), grid), 0)
        shape = self._shape_behind(node, linear.weights.shape[0], given.low.shape)
        lined = [
            each.reshape([-1 if axis == linear.axis % len(shape) else 1 for axis in range(len(shape))])
            for each in (least, most, grid)
        ]
        self._keep(node, Extent(*(np.broadcast_to(each, shape) for each in lined)))

    def _shape_behind(self, node: onnx.NodeProto, out: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        if node.op_type in ("MatMul", "Gemm"):
            return (*shape[:-1], out)
        given = read_attributes(node)
        if node.op_type == "Conv":
            return (1, out, *conv_sides(given, shape[2:], self.graph.constants[node.input[1]].shape[2:]))
        return (1, out, *transposed_sides(given, shape[2:], self.graph.constants[node.input[1]].shape[2:]))

    def _take_pair(self, node: onnx.NodeProto) -> None:
        first, second = (
            self.extents[name] if name in self.extents else extent_of(self.graph.constants[name])
            for name in node.input
        )
        kind = node.op_type
        check_size(np.broadcast_shapes(first.low.shape, second.low.shape))
        if kind == "Mul":
            if first.is_any or second.is_any:
                self._keep(node, scale_any(first, second))
                return
            ends = [one * other for one in (first.low, first.high) for other in (second.low, second.high)]
            extent = Extent(np.minimum.reduce(ends), np.maximum.reduce(ends), first.bits + second.bits)
        else:
            low, high = (second.low, second.high) if kind == "Add" else (-second.high, -second.low)
            extent = Extent(first.low + low, first.high + high, np.maximum(first.bits, second.bits))
        self._check(extent.steps, -1 if extent.low.ndim < 4 else 1)
        self._keep(node, extent)

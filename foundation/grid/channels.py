"""Which numbers of a tensor share a channel, wherever they were moved to, and the unit of each channel."""

from collections.abc import Mapping

import numpy as np
import onnx

from foundation.grid.calibration import Range
from foundation.grid.linear import LINEAR, read_linear
from foundation.grid.movement import MOVERS, Array, move
from foundation.grid.reading import Graph
from foundation.grid.slopes import find_turned

BELOW = 0.35
"""The share of a channel's bits that is for what a leaky slope let through."""


class Channels:
    """The channels of a float graph's tensors."""

    def __init__(self, graph: Graph, ranges: Mapping[str, Range], given: Mapping[str, Array]) -> None:
        """`given` are the inputs, and what only moves them about."""
        self.graph, self.ranges, self.given = graph, ranges, given

    def choose_unit(self, name: str, axis: int | None, bits: float, over: tuple[int, ...] = ()) -> Array:
        """The unit (1, …) in which a channel's greatest number takes all of `bits`, its sign among them.

        Below zero, of what is turned round.
        """
        ranges = self.ranges[name]
        greatest = ranges.greatest
        if self.is_leaky(name):
            greatest = np.maximum(ranges.high, -ranges.low / BELOW)
        if over:
            greatest = np.broadcast_to(greatest.max(over, keepdims=True), greatest.shape)
        elif axis is None:
            greatest = np.full_like(greatest, greatest.max())
        else:
            axes = tuple(each for each in range(greatest.ndim) if each not in (0, axis % greatest.ndim))
            greatest = np.broadcast_to(greatest.max(axes, keepdims=True), greatest.shape)
        greatest = self._join(name, greatest)
        floor = max(float(greatest.max()) * 1e-3, 1e-12)
        unit: Array = np.maximum(greatest, floor) / (2.0 ** (bits - 1) - 1)
        return -unit if find_turned(self.graph, name) else unit

    def is_leaky(self, name: str) -> bool:
        """Whether a tensor, perhaps moved about, comes from a leaky slope."""
        node = self.graph.producers.get(name)
        while node is not None and node.op_type in MOVERS:
            node = self.graph.producers.get(self.graph.moving(node)[0])
        return node is not None and node.op_type in ("LeakyRelu", "Relu")

    def _join(self, name: str, values: Array) -> Array:
        """Make `values` the same for all that share a channel where they are computed: the greatest."""
        values = np.array(values)
        groups = [_number_values(values), *self._sources(name)]
        for _ in range(20):
            before = values
            for ids in groups[1:]:
                most = np.full(int(ids.max()) + 1, -np.inf)
                np.maximum.at(most, ids.ravel(), values.ravel())
                values = most[ids]
            axes_same = np.full(int(groups[0].max()) + 1, -np.inf)
            np.maximum.at(axes_same, groups[0].ravel(), values.ravel())
            values = axes_same[groups[0]]
            if np.array_equal(before, values):
                break
        return values

    def find_layer(self, name: str) -> tuple[onnx.NodeProto, Array] | None:
        """The layer that a tensor comes from, and which of its channels each number is: (1, …); or None."""
        sources, node = self._sources(name), self.graph.producers.get(name)
        while node is not None and node.op_type in MOVERS and len(self.graph.moving(node)) == 1:
            node = self.graph.producers.get(self.graph.moving(node)[0])
        if len(sources) != 1 or node is None or node.op_type not in LINEAR:
            return None
        return node, sources[0]

    def _sources(self, name: str) -> list[Array]:
        """For each layer that a tensor comes from, which of its channels each number does: (1, …)."""
        node = self.graph.producers.get(name)
        if node is None or name in self.given:
            return []
        shape = self.ranges[name].low.shape
        kind = node.op_type
        if kind in LINEAR:
            channels = read_linear(node, self.graph.constants).weights.shape[0]
            axis = 1 if kind.startswith("Conv") else len(shape) - 1
            lined = np.arange(channels).reshape([-1 if each == axis else 1 for each in range(len(shape))])
            return [np.broadcast_to(lined, shape)]
        if kind in MOVERS:
            return self._moved_sources(node, name)
        if kind == "AveragePool":
            return [np.broadcast_to(np.arange(shape[1]).reshape(1, -1, 1, 1), shape)]
        if kind == "ReduceSum":
            return []
        found = []
        for each in self.graph.moving(node):
            found += [np.broadcast_to(ids, shape) for ids in self._sources(each)]
        return found

    def _moved_sources(self, node: onnx.NodeProto, name: str) -> list[Array]:
        moving = self.graph.moving(node)
        index = list(node.output).index(name)
        if node.op_type == "Concat":
            lists = [self._sources(each) for each in moving]
            if any(len(each) != 1 for each in lists):
                return []
            offset, arrays = 0, []
            for (ids,) in lists:
                arrays.append(ids + offset)
                offset += int(ids.max()) + 1
            return move(node, arrays, self.graph.constants)
        if any(each not in self.ranges for each in moving[:1]):
            return []
        return [
            move(node, [ids], self.graph.constants, fill=int(ids.max()) + 1)[index]
            for ids in self._sources(moving[0])
        ]

    def is_sum(self, name: str) -> bool:
        """Whether a tensor, perhaps moved about or with a constant, comes straight from a layer's sum."""
        node = self.graph.producers.get(name)
        while node is not None and node.op_type in {"Add", "Sub", "Mul"} | MOVERS:
            moving = self.graph.moving(node)
            if len(moving) != 1:
                return False
            node = self.graph.producers.get(moving[0])
        return node is not None and node.op_type in LINEAR


def reduce_unit(unit: Array, shape: tuple[int, ...]) -> Array:
    """The unit of what, of `shape`, is spread to `unit`'s shape.

    Raises:
        ValueError: it would have to be several at once.
    """
    full = unit.reshape((1,) * (len(shape) - unit.ndim) + unit.shape)
    lined = (1,) * (full.ndim - len(shape)) + tuple(shape)
    over = tuple(axis for axis, side in enumerate(lined) if side == 1 and full.shape[axis] != 1)
    least, most = full.min(over, keepdims=True), full.max(over, keepdims=True)
    if not np.allclose(least, most, rtol=1e-9):
        raise ValueError("its numbers would need several units at once")
    reduced: Array = most.reshape(shape)
    return reduced


def _number_values(values: Array) -> Array:
    """Which of them are equal: an id for each."""
    _, ids = np.unique(values, return_inverse=True)
    found: Array = np.asarray(ids).reshape(values.shape)
    return found
